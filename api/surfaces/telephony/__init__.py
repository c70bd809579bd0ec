"""The telephone, as carriers and servers meet it over HTTP and sockets.

What is asked of each carrier stands at the top: `desk.py` (it asks by webhook), `door.py` (its socket comes by itself),
`bare.py` (what a carrier cannot). The rooms, each knowing only those below it:

::

    routes                mounts all of it
    exchange              what a live call can ask of its carrier
    webhooks              a call comes in, its socket is gone, its status changed
    sockets/              media sockets: the routes, whose call one is, Asterisk's TCP port
    outbound/             orders for calls out, and the dialler
    openai/               calls that OpenAI answers on SIP
    counter               the desks and what the routes share; every request is proved there
    calls/                what is known of calls: who answers them, which ring, which are live, what is told of them
    proofs/               what is good once, and the keys that carriers publish
    commands/             requests to carriers' APIs, and calls as they are named in them
    desks/                one file per carrier
    dialects/             what several desks share, and how single carriers sign
"""
