"""Making up session names: an adjective and a noun, such as curious-ant."""

from __future__ import annotations

import random
import re
from collections.abc import Container

from git_vibe.types import SessionName

ADJECTIVES = (
    "able agile amber ample apt bold brave brief bright brisk calm candid careful cheerful civil clean clear clever "
    "cosy crisp curious daring deft direct eager early earnest easy exact fair famous fancy fast fine firm fleet fond "
    "frank free fresh friendly gentle giddy glad golden good grand green handy happy hardy honest humble jolly keen "
    "kind large lively loyal lucky merry mild modest neat nimble noble patient plain polite prompt proud pure quick "
    "quiet rapid ready rich robust rosy round sharp shiny silent silver simple sleek smart smooth snug sober solid "
    "spry stable steady still stout strong sunny sure sweet swift tidy trim true trusty upbeat vivid warm wise witty"
).split()

NOUNS = (
    "ant badger bat bear beaver bee bison boar bobcat buck buffalo bull camel cat cheetah cobra condor cougar coyote "
    "crab crane cricket crow deer dingo dolphin donkey dove dragonfly duck eagle eel egret elk emu falcon ferret finch "
    "firefly fox frog gazelle gecko gibbon goat goose gopher hare hawk hedgehog heron hippo horse hummingbird ibex "
    "iguana impala jackal jaguar jay kestrel kite kiwi koala lark lemur leopard lion lizard llama lobster lynx magpie "
    "mammoth mantis marmot marten mole moose moth mouse mule newt ocelot octopus orca oriole osprey otter owl ox "
    "panda panther parrot pelican penguin pheasant pigeon pony possum puffin puma python quail rabbit raccoon ram "
    "raven robin rooster salmon seal shark sheep shrew skunk sloth snail sparrow spider squid squirrel stork swallow "
    "swan tapir tern tiger toad toucan trout turtle viper vole walrus wasp weasel whale wolf wombat wren yak zebra"
).split()

_WORD_MAX = 40


def free_name(taken: Container[str], noun: str | None = None) -> SessionName:
    """A name that is not in `taken`: an adjective and `noun`, or a random noun; numbered when all are taken."""
    wanted = _sanitised(noun) if noun else ""
    for attempt in range(10_000):
        name = f"{random.choice(ADJECTIVES)}-{wanted or random.choice(NOUNS)}"
        if attempt > 200:
            name = f"{name}-{attempt}"
        if name not in taken:
            return SessionName(name)
    raise RuntimeError("no free session name found")


def _sanitised(noun: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", noun.lower())[:_WORD_MAX].strip("-")
