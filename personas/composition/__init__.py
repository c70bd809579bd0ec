"""What an agent is in one session: a persona with everything that bears on it. Pure functions of values.

`composing` puts it together; `speaking` decides the language, `experimenting` the variant, `branding` the name of the
business; `contained` is how texts of others are told to a model; `envelope` tells what it was made of.
"""
