"""Who plays in the demo and in the tests: companies, people, what each of them sees.

All invented but the NIST test bed. Birds make things, stones lend money; a person's name begins
like the company's. Ids are fixed, so that a test and a link in the docs name the same person.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from flask_babel import lazy_gettext as _l
from flask_babel.speaklater import LazyString

from kernel.ids import PersonId, TenantId
from tenants.roles import Role

PASSWORD: Final = "quiet-river-41-lantern"
"""Of every demo person; public, so the demo is refused on an address that others can reach."""


def _id(number: int) -> UUID:
    return UUID(f"00000000-0000-7000-8000-{number:012x}")


@dataclass(frozen=True, slots=True)
class Company:
    """A company of the demo; `origin` says whether its machine data are simulated or replayed."""

    id: TenantId
    code: str
    kind: str
    name_zh: str
    name_en: str
    uscc: str
    segment: str
    region: str
    kpi_profile: str = "discrete"
    holding_ratio: float | None = None
    origin: str = "simulated"


@dataclass(frozen=True, slots=True)
class Seat:
    """A role of a person in a company, at a place of it (None: the whole company)."""

    company: Company
    role: Role
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """A person of the demo; `sees` tells what her home page answers. `left` has gone."""

    id: PersonId
    login_name: str
    name_zh: str
    name_en: str
    seats: tuple[Seat, ...]
    sees: LazyString | None = None
    left: bool = False

    @property
    def email(self) -> str:
        """Return an address in a domain that can never exist."""
        company, name = self.login_name.split("/")
        return f"{name}@{company}.example"


def _company(number: int, code: str, kind: str, zh: str, en: str, uscc: str, segment: str,
             region: str, **more: object) -> Company:  # fmt: skip
    return Company(TenantId(_id(0x100 + number)), code, kind, zh, en, uscc, segment, region, **more)  # type: ignore[arg-type]


HERON = _company(
    0,
    "heron",
    "group",
    "苍鹭集团",
    "Heron Group",
    "91310000MA1HRNG01F",
    "holding",
    "CN-SH",
    origin="live",
)
KESTREL = _company(
    1,
    "kestrel",
    "subsidiary",
    "红隼精工",
    "Kestrel Precision",
    "91320400MA1KTR7P4Q",
    "machining",
    "CN-JS",
    holding_ratio=1.0,
)
PELICAN = _company(
    2,
    "pelican",
    "subsidiary",
    "鹈鹕化纤",
    "Pelican Fibres",
    "91330600MA2PLCN88D",
    "fibres",
    "CN-ZJ",
    kpi_profile="process",
    holding_ratio=0.8,
)
ORIOLE = _company(
    3,
    "oriole",
    "subsidiary",
    "黄鹂光伏",
    "Oriole Solar",
    "91340100MA2RLTR55N",
    "solar",
    "CN-AH",
    kpi_profile="process",
    holding_ratio=0.67,
)
HOOPOE = _company(
    4,
    "hoopoe",
    "subsidiary",
    "戴胜电子",
    "Hoopoe Electronics",
    "91320500MA1HPEL66G",
    "electronics",
    "CN-JS",
    holding_ratio=1.0,
)
GANNET = _company(
    5,
    "gannet",
    "subsidiary",
    "鲣鸟热电",
    "Gannet Heat and Power",
    "91320200MA1GNTR77X",
    "energy",
    "CN-JS",
    kpi_profile="energy",
    holding_ratio=1.0,
)
CORMORANT = _company(
    6,
    "cormorant",
    "subsidiary",
    "鸬鹚泵业",
    "Cormorant Pumps",
    "91370100MA3CRMR22X",
    "pumps",
    "CN-SD",
    kpi_profile="project",
    holding_ratio=0.51,
)
DOVE = _company(
    7,
    "dove",
    "subsidiary",
    "斑鸠包装",
    "Dove Packaging",
    "91330100MA2DWPK99A",
    "packaging",
    "CN-ZJ",
    holding_ratio=1.0,
)
NIST = _company(
    8,
    "nist",
    "subsidiary",
    "NIST 试验台",
    "NIST Test Bed",
    "91110108MA0NTTB333",
    "test bed",
    "US-MD",
    holding_ratio=1.0,
    origin="replayed",
)
WREN = _company(
    9, "wren", "partner", "鹪鹩铸造", "Wren Castings", "91320900MA1WRNC445", "castings", "CN-JS"
)
MAGPIE = _company(
    10,
    "magpie",
    "provider",
    "喜鹊数据",
    "Magpie Data",
    "91440300MA5MGPD11N",
    "services",
    "CN-GD",
    origin="live",
)
GRANITE = _company(
    11,
    "granite",
    "bank",
    "磐石银行",
    "Granite Bank",
    "91320000MA1GRNB08A",
    "bank",
    "CN-JS",
    origin="live",
)
BASALT = _company(
    12,
    "basalt",
    "bank",
    "玄岩银行",
    "Basalt Bank",
    "91330000MA2BTLT099",
    "bank",
    "CN-ZJ",
    origin="live",
)

COMPANIES: Final = (
    HERON, KESTREL, PELICAN, ORIOLE, HOOPOE, GANNET, CORMORANT, DOVE, NIST, WREN, MAGPIE, GRANITE,
    BASALT,
)  # fmt: skip
SUBSIDIARIES: Final = tuple(each for each in COMPANIES if each.kind == "subsidiary")


def _person(number: int, login: str, zh: str, en: str, *seats: Seat,
            sees: LazyString | None = None, left: bool = False) -> Person:  # fmt: skip
    return Person(PersonId(_id(0x200 + number)), login, zh, en, seats, sees, left)


HE_JING = _person(
    0,
    "heron/he.jing",
    "何静",
    "He Jing",
    Seat(HERON, Role.EXECUTIVE),
    sees=_l("Which company is off, and why"),
)
HU_BO = _person(
    1,
    "heron/hu.bo",
    "胡博",
    "Hu Bo",
    Seat(HERON, Role.PLATFORM_OPERATOR),
    sees=_l("Companies of the cloud; no business data"),
)
HUO_AN = _person(
    2,
    "heron/huo.an",
    "霍安",
    "Huo An",
    Seat(HERON, Role.AUDITOR),
    sees=_l("Who did what, and when"),
)
KONG_KUN = _person(
    3,
    "kestrel/kong.kun",
    "孔堃",
    "Kong Kun",
    Seat(KESTREL, Role.ADMINISTRATOR),
    sees=_l("People, permissions, data sources"),
)
KE_LAN = _person(
    4,
    "kestrel/ke.lan",
    "柯岚",
    "Ke Lan",
    Seat(KESTREL, Role.PLANNER),
    sees=_l("Lines, machines, where the time went"),
)
KUANG_DA = _person(
    5,
    "kestrel/kuang.da",
    "邝达",
    "Kuang Da",
    Seat(KESTREL, Role.OPERATOR, "L2"),
    sees=_l("The machines of line L2"),
)
KANG_YI = _person(
    6,
    "kestrel/kang.yi",
    "康怡",
    "Kang Yi",
    Seat(KESTREL, Role.FINANCE),
    sees=_l("What a bank would see, who has read it"),
)
PAN_LI = _person(
    7,
    "pelican/pan.li",
    "潘丽",
    "Pan Li",
    Seat(PELICAN, Role.PLANNER),
    sees=_l("Spinning lines and boilers"),
)
PENG_FEI = _person(
    8,
    "pelican/peng.fei",
    "彭飞",
    "Peng Fei",
    Seat(PELICAN, Role.PROCESS_ENGINEER),
    sees=_l("Machines and data sources"),
)
PEI_NUAN = _person(
    9,
    "pelican/pei.nuan",
    "裴暖",
    "Pei Nuan",
    Seat(PELICAN, Role.ENERGY_MANAGER),
    sees=_l("Energy per unit, boiler by boiler"),
)
OUYANG_QING = _person(
    10,
    "oriole/ouyang.qing",
    "欧阳晴",
    "Ouyang Qing",
    Seat(ORIOLE, Role.PLANNER),
    Seat(KESTREL, Role.FINANCE),
    sees=_l("Planner here; finance at another company by a switch"),
)
DING_NING = _person(
    11,
    "dove/ding.ning",
    "丁宁",
    "Ding Ning",
    Seat(DOVE, Role.OPERATOR),
    sees=_l("Shift sheets of a plant without sensors"),
)
NIE_ZHEN = _person(
    12,
    "nist/nie.zhen",
    "聂真",
    "Nie Zhen",
    Seat(NIST, Role.ADMINISTRATOR),
    Seat(NIST, Role.PROCESS_ENGINEER),
    sees=_l("Eight real machines, replayed"),
)
WU_ZHE = _person(
    13,
    "wren/wu.zhe",
    "吴喆",
    "Wu Zhe",
    Seat(WREN, Role.ADMINISTRATOR),
    Seat(WREN, Role.FINANCE),
    sees=_l("A company of one person"),
)
MA_RUI = _person(
    14,
    "magpie/ma.rui",
    "马锐",
    "Ma Rui",
    Seat(MAGPIE, Role.SERVICE_MANAGER),
    sees=_l("A service provider of the cloud"),
)
GAO_YAN = _person(
    15,
    "granite/gao.yan",
    "高岩",
    "Gao Yan",
    Seat(GRANITE, Role.REVIEWER),
    sees=_l("A company's case: where each figure comes from"),
)
GUO_SHI = _person(
    16,
    "granite/guo.shi",
    "郭石",
    "Guo Shi",
    Seat(GRANITE, Role.APPROVER),
    sees=_l("Cases of the bank"),
)
BAI_LU = _person(
    17,
    "basalt/bai.lu",
    "白路",
    "Bai Lu",
    Seat(BASALT, Role.REVIEWER),
    sees=_l("A bank that nobody has given consent"),
)
KAN_ZOU = _person(18, "kestrel/kan.zou", "阚走", "Kan Zou", Seat(KESTREL, Role.PLANNER), left=True)
DAI_HE = _person(
    19,
    "dove/dai.he",
    "戴禾",
    "Dai He",
    Seat(DOVE, Role.PLANNER),
    sees=_l("Signs the shift sheets that others hand in"),
)

PEOPLE: Final = (
    HE_JING, HU_BO, HUO_AN, KONG_KUN, KE_LAN, KUANG_DA, KANG_YI, PAN_LI, PENG_FEI, PEI_NUAN,
    OUYANG_QING, DING_NING, DAI_HE, NIE_ZHEN, WU_ZHE, MA_RUI, GAO_YAN, GUO_SHI, BAI_LU, KAN_ZOU,
)  # fmt: skip
