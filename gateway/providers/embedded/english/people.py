"""Common first and last names of the United States: for the ears' language model, and to tell a name from a word."""

from __future__ import annotations

from gateway.providers.embedded.english.words import listed

__all__ = ["FIRST", "LAST"]

FIRST = listed(
    "james robert john michael david william richard joseph thomas charles christopher daniel matthew anthony "
    "mark donald steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey "
    "ryan jacob gary nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory frank "
    "alexander raymond patrick jack dennis jerry tyler aaron jose adam henry nathan douglas zachary peter "
    "kyle walter ethan jeremy harold keith christian roger noah gerald carl terry sean austin arthur lawrence "
    "jesse dylan bryan joe jordan billy bruce albert willie gabriel logan alan juan wayne roy ralph randy "
    "eugene vincent russell elijah louis bobby philip johnny sam alex max leo oscar lee bob rob tom tim jim "
    "mike dan steve dave matt chris ben will nick tony mary patricia jennifer linda elizabeth barbara susan "
    "jessica sarah karen lisa nancy betty sandra margaret ashley kimberly emily donna michelle carol amanda "
    "melissa deborah stephanie rebecca sharon laura cynthia dorothy amy kathleen angela shirley brenda emma "
    "anna pamela nicole samantha katherine christine helen debra rachel carolyn janet maria catherine heather "
    "diane olivia julie joyce victoria ruth virginia lauren kelly christina joan evelyn judith andrea hannah "
    "megan cheryl jacqueline martha madison teresa gloria sara janice ann kathryn abigail sophia frances jean "
    "alice judy isabella julia grace amber denise danielle marilyn beverly charlotte natalie theresa diana "
    "brittany doris kayla alexis lori marie jane kate sue tina lucy ella chloe mia zoe claire rosa elena kim "
    "lily "
)
LAST = listed(
    "smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez "
    "wilson anderson thomas taylor moore jackson martin lee perez thompson white harris sanchez clark ramirez "
    "lewis robinson walker young allen king wright scott torres nguyen hill flores green adams nelson baker "
    "hall rivera campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards "
    "collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey "
    "reed kelly howard ramos kim cox ward richardson watson brooks chavez wood james bennett gray mendoza "
    "ruiz hughes price alvarez castillo sanders patel myers long ross foster jimenez powell jenkins perry "
    "russell sullivan bell coleman butler henderson barnes fisher vasquez simmons romero jordan patterson "
    "alexander hamilton graham reynolds griffin wallace moreno west cole hayes bryant herrera gibson ellis "
    "tran medina stevens murray ford castro marshall owens harrison fernandez woods washington kennedy wells "
    "vargas henry chen freeman webb tucker guzman burns crawford olson simpson porter hunter gordon mendez "
    "silva shaw snyder mason dixon hunt hicks holmes palmer wagner black robertson boyd stone salazar fox "
    "warren mills meyer rice garza schmidt daniels ferguson nichols stephens soto weaver ryan gardner payne "
    "grant dunn kelley spencer hawkins doe mcdonald park "
)
