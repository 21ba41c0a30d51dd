"""The world that stands when nobody asked for another: four tenants, three people, five organizations.

ann is a member of both contoso organizations and a guest at fabrikam; bob is at fabrikam; kim has a personal
account and the organization ``hobby``, which no tenant backs. ``contoso-open`` has a public project.
"""

from __future__ import annotations

from tests.emulator.model import AZURE_CLI, CONSUMERS, NO_TENANT, TRANSFER, VISUAL_STUDIO, App
from tests.emulator.world import World

ANN = "ann@contoso.com"
BOB = "bob@fabrikam.com"
KIM = "kim@outlook.com"
CONTOSO = "11111111-2222-3333-4444-555555555555"
FABRIKAM = "66666666-7777-8888-9999-000000000000"


def build(directory: str) -> World:
    """Build the default world, its repositories below ``directory``."""
    world = World(directory)
    world.add_tenant("contoso", "contoso.com", CONTOSO)
    world.add_tenant("fabrikam", "fabrikam.com", FABRIKAM).guests.add(ANN)
    world.add_tenant("consumers", "outlook.com", CONSUMERS)
    world.add_tenant("transfer", "msa.example.com", TRANSFER)
    world.add_person(ANN, "Ann Example", CONTOSO)
    world.add_person(BOB, "Bob Example", FABRIKAM)
    world.add_person(KIM, "Kim Example", CONSUMERS, "personal")
    world.add_app(App(VISUAL_STUDIO, "Visual Studio", first_party=True))
    world.add_app(App(AZURE_CLI, "Microsoft Azure CLI", first_party=True))
    world.add_organization("contoso", CONTOSO, {ANN: "write"})
    world.add_organization("contoso-labs", CONTOSO, {ANN: "write"})
    world.add_organization("contoso-open", CONTOSO, {})
    world.add_organization("fabrikam", FABRIKAM, {BOB: "write", ANN: "write"}, "cus14")
    world.add_organization("hobby", NO_TENANT, {KIM: "write"}, "weu5")
    for name in list(world.organizations):
        world.create_repository(name, "app", "app", public=name == "contoso-open")
    world.create_repository("contoso", "My Project", "My Repo")
    world.create_repository("contoso", "100% Cotton", "50% off")
    world.create_repository("contoso", "app", "app.wiki")
    return world
