"""The plants of the demo: sites, lines, machines, what they make and what goes wrong in them.

All invented; the eight machines of the NIST test bed, whose events are real, are in `testbed.py`.
Every story here has an end, the moment the demo is loaded: what got worse did so until then.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import time, timedelta
from typing import Final

from portal.production.simulator import Drift, Loss, Machine, Product
from portal.production.states import MachineState
from portal.production.worktime import CalendarRule, RuleKind

SEED: Final = 20260824
HEARTBEAT_S: Final = 600
"""Of simulated units: they say something at least every half hour."""

_MON_FRI: Final = 0b001_1111
_MON_SAT: Final = 0b011_1111

Calendar = tuple[CalendarRule, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """A stop reason in both languages, and the state it explains."""

    code: str
    state: MachineState
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class ProductName:
    """What a product is called, and in what it is measured."""

    code: str
    name_zh: str
    name_en: str
    unit: str = "pcs"


@dataclass(frozen=True, slots=True)
class UnitPlan:
    """A machine as it stands in the place tree; `machine` is None where it has no sensor."""

    code: str
    name_zh: str
    name_en: str
    class_code: str
    rated_power_kw: float
    machine: Machine | None
    products: tuple[Product, ...]
    min_stop_s: int = 120


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A line; `calendar` is its own where it differs from the site's."""

    code: str
    name_zh: str
    name_en: str
    units: tuple[UnitPlan, ...]
    calendar: Calendar = ()


@dataclass(frozen=True, slots=True)
class SitePlan:
    """A site with its zone, the start of its production day and its calendar."""

    code: str
    name_zh: str
    name_en: str
    lines: tuple[LinePlan, ...]
    calendar: Calendar = ()
    zone: str = "Asia/Shanghai"
    day_start: time = time(8)


@dataclass(frozen=True, slots=True)
class Plant:
    """All sites of one company of the cast, by its code, with what it makes."""

    company: str
    sites: tuple[SitePlan, ...]
    products: tuple[ProductName, ...]

    def units(self) -> Iterator[tuple[SitePlan, LinePlan, UnitPlan]]:
        """Yield every unit with its line and site, in order."""
        for site in self.sites:
            for line in site.lines:
                for unit in line.units:
                    yield site, line, unit


def _shift(code: str, start: int, end: int, weekdays: int = 0b111_1111) -> CalendarRule:
    return CalendarRule(RuleKind.SHIFT, time(start), time(end % 24), weekdays, code)


def _break(start: time, end: time) -> CalendarRule:
    return CalendarRule(RuleKind.BREAK, start, end)


TWO_SHIFTS: Final[Calendar] = (
    _shift("A", 8, 20),
    _shift("B", 20, 8),
    _break(time(12), time(13)),
    _break(time(0), time(1)),
)
TWO_SHIFTS_SIX_DAYS: Final[Calendar] = (
    _shift("A", 8, 20, _MON_SAT),
    _shift("B", 20, 8, _MON_SAT),
    _break(time(12), time(12, 30)),
    _break(time(0), time(0, 30)),
)
DAY_SHIFT: Final[Calendar] = (
    _shift("A", 8, 18, _MON_SAT),
    _break(time(12), time(13)),
)
OFFICE_WEEK: Final[Calendar] = (
    _shift("A", 8, 17, _MON_FRI),
    _break(time(12), time(13)),
)
AROUND_THE_CLOCK: Final[Calendar] = (
    _shift("A", 8, 16),
    _shift("B", 16, 24),
    _shift("C", 0, 8),
)

_S = MachineState
REASONS: Final = (
    Reason("warm_up", _S.SETUP, "开机与首件", "Warm-up and first piece"),
    Reason("changeover", _S.SETUP, "换型", "Changeover"),
    Reason("tool_change", _S.SETUP, "换刀", "Tool change"),
    Reason("chuck_pressure", _S.DOWN, "卡盘夹紧压力低", "Chuck pressure low"),
    Reason("spindle_alarm", _S.DOWN, "主轴报警", "Spindle alarm"),
    Reason("coolant", _S.DOWN, "冷却液故障", "Coolant fault"),
    Reason("electrical", _S.DOWN, "电气故障", "Electrical fault"),
    Reason("mechanical", _S.DOWN, "机械故障", "Mechanical fault"),
    Reason("yarn_break", _S.DOWN, "断丝", "Yarn break"),
    Reason("screen_clog", _S.DOWN, "网版堵塞", "Screen clogged"),
    Reason("feeder_jam", _S.DOWN, "供料器卡料", "Feeder jam"),
    Reason("burner_trip", _S.DOWN, "燃烧器跳停", "Burner trip"),
    Reason("no_blanks", _S.STARVED, "待毛坯", "Waiting for blanks"),
    Reason("no_material", _S.STARVED, "待料", "Waiting for material"),
    Reason("output_full", _S.BLOCKED, "下料台满", "Outlet full"),
    Reason("low_demand", _S.IDLE, "负荷不足", "Low demand"),
    Reason("handover", _S.IDLE, "交接班", "Shift handover"),
    Reason("lubrication", _S.MAINT_PLANNED, "点检润滑", "Inspection and lubrication"),
    Reason("filter_change", _S.MAINT_PLANNED, "换过滤器", "Filter change"),
    Reason("trial", _S.ENGINEERING, "工艺试验", "Process trial"),
    Reason("off", _S.IDLE, "停机", "Switched off"),
)
"""All stop reasons of the demo's companies."""


def _losses(
    *losses: tuple[str, float, float], hold: float = 12.0, unexplained: float = 0.8
) -> tuple[Loss, ...]:
    """Make losses of (reason, minutes, times per day of running); holds and idling besides."""
    state_of = {reason.code: reason.state for reason in REASONS}
    return (
        Loss("hold", 0.9, hold),
        *(Loss(state_of[code], minutes, times, code) for code, minutes, times in losses),
        Loss(_S.IDLE, 14.0, unexplained),
    )


def _more(losses: tuple[Loss, ...], times: float) -> tuple[Loss, ...]:
    """Make all of `losses` more frequent."""
    return tuple(replace(loss, per_day=loss.per_day * times) for loss in losses)


_TURNING: Final = _losses(
    ("tool_change", 11, 3.4),
    ("chuck_pressure", 16, 0.5),
    ("spindle_alarm", 32, 0.5),
    ("coolant", 18, 0.6),
    ("no_blanks", 21, 2.0),
    ("output_full", 11, 0.9),
    ("lubrication", 24, 0.5),
    ("handover", 9, 1.2),
)
_GRINDING: Final = _losses(
    ("tool_change", 16, 4.2),
    ("mechanical", 26, 1.0),
    ("coolant", 20, 0.8),
    ("no_blanks", 26, 2.6),
    ("lubrication", 22, 0.5),
    ("handover", 9, 1.2),
)
_HEAT_TREATING: Final = _losses(
    ("electrical", 40, 0.5), ("no_blanks", 35, 1.1), ("output_full", 14, 0.8), hold=3.0
)
_ASSEMBLY: Final = _losses(
    ("no_material", 16, 3.0), ("mechanical", 22, 0.9), ("changeover", 18, 1.6), hold=10.0
)
_SPINNING: Final = _losses(
    ("yarn_break", 9, 2.4), ("filter_change", 45, 0.35), ("mechanical", 55, 0.16), hold=4.0,
    unexplained=0.1,
)  # fmt: skip
_BOILER: Final = _losses(
    ("burner_trip", 24, 0.25), ("low_demand", 50, 0.4), ("lubrication", 30, 0.1), hold=0.0,
    unexplained=0.0,
)  # fmt: skip
_PRINTING: Final = _losses(
    ("screen_clog", 7, 4.0), ("no_material", 9, 2.2), ("changeover", 13, 1.4),
    ("electrical", 30, 0.4), ("trial", 35, 0.2), hold=8.0, unexplained=0.3,
)  # fmt: skip
_SMT: Final = _losses(
    ("feeder_jam", 5, 7.0), ("changeover", 21, 2.4), ("no_material", 12, 2.2),
    ("electrical", 28, 0.5), hold=9.0,
)  # fmt: skip
_TURBINE: Final = _losses(
    ("mechanical", 90, 0.06), ("low_demand", 70, 0.5), hold=0.0, unexplained=0.0
)
_PUMP_WORK: Final = _losses(
    ("changeover", 85, 2.4), ("no_material", 55, 0.9), ("mechanical", 45, 0.4),
    ("trial", 60, 0.3), hold=2.0, unexplained=0.7,
)  # fmt: skip
_CASTING: Final = _losses(
    ("no_material", 18, 1.4), ("mechanical", 30, 0.8), ("changeover", 22, 1.5), hold=6.0
)


def _units(
    codes: Iterable[str],
    name: tuple[str, str],
    class_code: str,
    machine: Machine,
    **special: Machine,
) -> tuple[UnitPlan, ...]:
    """Make one unit per code of the same kind; `special` replaces single machines by code,
    with `_` for `-`."""
    plans = []
    for place, code in enumerate(codes):
        one = special.get(code.replace("-", "_"), machine)
        # No two machines of a line are alike: a little faster, a little thirstier.
        one = replace(
            one,
            code=code,
            speed=round(one.speed - 0.004 * place, 3),
            power_kw=round(one.power_kw * (1 + 0.02 * place), 2),
        )
        rated = round(one.power_kw * 1.5, 1)
        plans.append(
            UnitPlan(
                code, f"{name[0]} {code}", f"{name[1]} {code}", class_code, rated, one, one.products
            )
        )
    return tuple(plans)


def _numbered(line: str, first: int, last: int) -> list[str]:
    return [f"{line}-{number:02d}" for number in range(first, last + 1)]


_FLANGE = (Product("WF-0450", 210.0), Product("WF-0380", 186.0))
_SHAFT = (Product("GS-1120", 128.0), Product("GS-1095", 112.0))
_HOUSING = (Product("MH-2208", 355.0),)
_JOURNAL = (Product("GS-1120-G", 164.0),)
_BATCH = (Product("HT-BASKET", 540.0),)
_KIT = (Product("KIT-07", 64.0),)

_L2: Final = Machine(
    "", _FLANGE, _more(_TURNING, 2.0), speed=0.955, scrap=0.016, power_kw=26.0, gaps_per_day=0.10,
    gap_minutes=70.0,
)  # fmt: skip
_L1: Final = replace(
    _L2, products=_SHAFT, speed=0.975, scrap=0.011, power_kw=17.0,
    losses=_more(_TURNING, 1.45), gaps_per_day=0.06,
)  # fmt: skip
_CHUCK: Final = (Drift("chuck_pressure", 2.0, 20),)

KESTREL: Final = Plant(
    "kestrel",
    (
        SitePlan(
            "CZ1",
            "常州一厂",
            "Changzhou 1",
            (
                LinePlan("L1", "L1 数控车 Ø160", "L1 CNC turning Ø160",
                    _units(_numbered("L1", 1, 6), ("数控车床", "CNC lathe"), "lathe", _L1)),
                LinePlan("L2", "L2 数控车 Ø250", "L2 CNC turning Ø250",
                    _units(_numbered("L2", 5, 8), ("数控车床", "CNC lathe"), "lathe",
                        replace(_L2, drifts=_CHUCK),
                        L2_07=replace(_L2, drifts=(Drift("chuck_pressure", 6.0, 14),)))),
                LinePlan("L3", "L3 车铣复合", "L3 turn-mill",
                    _units(_numbered("L3", 1, 3), ("车铣复合", "Turn-mill centre"), "turn_mill",
                        replace(_L1, products=_HOUSING, losses=_more(_TURNING, 1.85),
                            speed=0.94, power_kw=25.0))),
                LinePlan("G1", "G1 外圆磨", "G1 cylindrical grinding",
                    _units(_numbered("G1", 1, 4), ("外圆磨床", "Cylindrical grinder"), "grinder",
                        replace(_L2, products=_JOURNAL, losses=_more(_GRINDING, 1.6), speed=0.96,
                            power_kw=19.0))),
            ),
            TWO_SHIFTS,
        ),
        SitePlan(
            "CZ2",
            "常州二厂",
            "Changzhou 2",
            (
                LinePlan("H1", "H1 热处理", "H1 heat treatment",
                    _units(_numbered("H1", 1, 2), ("热处理炉", "Furnace"), "furnace",
                        replace(_L2, products=_BATCH, losses=_HEAT_TREATING, speed=0.98,
                            scrap=0.006, power_kw=49.0, idle_power=0.6, gaps_per_day=0.5,
                            gap_minutes=95.0))),
                LinePlan("A1", "A1 装配检测", "A1 assembly and test",
                    _units(_numbered("A1", 1, 1), ("装配线", "Assembly line"), "assembly",
                        replace(_L2, products=_KIT, losses=_more(_ASSEMBLY, 2.1), scrap=0.010,
                            power_kw=13.0,
                            gaps_per_day=0.8, gap_minutes=150.0,
                            silent_before=timedelta(hours=3, minutes=12)))),
            ),
            TWO_SHIFTS_SIX_DAYS,
        ),
    ),
    (
        ProductName("WF-0450", "法兰 WF-0450", "Flange WF-0450"),
        ProductName("WF-0380", "法兰 WF-0380", "Flange WF-0380"),
        ProductName("GS-1120", "齿轮轴 GS-1120", "Gear shaft GS-1120"),
        ProductName("GS-1095", "齿轮轴 GS-1095", "Gear shaft GS-1095"),
        ProductName("MH-2208", "泵壳 MH-2208", "Pump housing MH-2208"),
        ProductName("GS-1120-G", "磨削轴 GS-1120", "Ground shaft GS-1120"),
        ProductName("HT-BASKET", "热处理料筐", "Heat-treatment basket"),
        ProductName("KIT-07", "轴系套件 KIT-07", "Shaft kit KIT-07"),
    ),
)  # fmt: skip

_POY: Final = Machine(
    "", (Product("POY-150D", 1900.0, whole=False),), _SPINNING, speed=0.97, scrap=0.013,
    warm_up_minutes=0.0, power_kw=620.0, idle_power=0.55, gaps_per_day=0.02,
)  # fmt: skip
_STEAM: Final = Machine(
    "", (Product("STEAM", 240.0, whole=False),), _BOILER, speed=0.86, scrap=0.0,
    warm_up_minutes=0.0, power_kw=10_400.0, idle_power=0.12, carrier="gas", gaps_per_day=0.02,
)  # fmt: skip

PELICAN: Final = Plant(
    "pelican",
    (
        SitePlan("SX", "绍兴基地", "Shaoxing works", (
            LinePlan("F1", "F1 纺丝", "F1 spinning",
                _units(_numbered("F1", 1, 3), ("纺丝线", "Spinning line"), "spinning", _POY)),
            LinePlan("F2", "F2 加弹", "F2 texturing",
                _units(_numbered("F2", 1, 2), ("加弹机", "Texturing machine"), "texturing",
                    replace(_POY, products=(Product("DTY-150D", 4300.0, whole=False),),
                        speed=0.94, power_kw=310.0))),
            LinePlan("BH", "动力车间", "Boiler house",
                _units(_numbered("B", 1, 3), ("锅炉", "Boiler"), "boiler", _STEAM,
                    B_03=replace(_STEAM, drifts=(Drift("energy", 1.068, 30),)))),
        ), AROUND_THE_CLOCK),
    ),
    (
        ProductName("POY-150D", "预取向丝 150D", "POY 150D", "t"),
        ProductName("DTY-150D", "低弹丝 150D", "DTY 150D", "t"),
        ProductName("STEAM", "蒸汽", "Steam", "t"),
    ),
)  # fmt: skip

_PRINT: Final = Machine(
    "", (Product("CELL-182", 0.62),), _more(_PRINTING, 1.2), speed=0.965, scrap=0.012,
    warm_up_minutes=0.0, power_kw=46.0, gaps_per_day=0.03,
)  # fmt: skip

ORIOLE: Final = Plant(
    "oriole",
    (
        SitePlan("HF", "合肥基地", "Hefei works", (
            LinePlan("P", "丝网印刷", "Screen printing",
                _units(_numbered("P", 1, 6), ("印刷线", "Print line"), "printer", _PRINT,
                    P_04=replace(_PRINT, scrap=0.014, drifts=(Drift("scrap", 2.2, 18),)))),
        ), AROUND_THE_CLOCK),
    ),
    (ProductName("CELL-182", "电池片 182", "Cell 182"),),
)  # fmt: skip

_MOUNT: Final = Machine(
    "", (Product("CTRL-A", 28.0), Product("CTRL-B", 34.0)), _more(_SMT, 1.5), speed=0.95,
    scrap=0.009, warm_up_minutes=12.0, power_kw=14.0, gaps_per_day=0.04,
)  # fmt: skip

HOOPOE: Final = Plant(
    "hoopoe",
    (
        SitePlan("SZ", "苏州工厂", "Suzhou plant", (
            LinePlan("SMT", "贴片线", "SMT",
                _units(_numbered("SMT", 1, 3), ("贴片机", "Mounter"), "smt", _MOUNT)),
            LinePlan("AS", "装配一线", "Assembly 1",
                _units(_numbered("AS", 1, 4), ("装配工位", "Assembly cell"), "assembly",
                    replace(_MOUNT, products=(Product("CTRL-BOX", 75.0),),
                        losses=_more(_ASSEMBLY, 1.8), power_kw=4.2,
                        silent_before=timedelta(hours=6, minutes=40)))),
        ), TWO_SHIFTS_SIX_DAYS),
    ),
    (
        ProductName("CTRL-A", "控制板 A", "Controller board A"),
        ProductName("CTRL-B", "控制板 B", "Controller board B"),
        ProductName("CTRL-BOX", "控制器总成", "Controller box"),
    ),
)  # fmt: skip

GANNET: Final = Plant(
    "gannet",
    (
        SitePlan("WX", "无锡电厂", "Wuxi station", (
            LinePlan("T", "汽轮机", "Turbines",
                _units(_numbered("T", 1, 2), ("汽轮发电机", "Turbine generator"), "turbine",
                    Machine("", (Product("POWER", 144.0, whole=False),), _TURBINE, speed=0.88,
                        scrap=0.0, warm_up_minutes=0.0, power_kw=1_450.0, idle_power=0.3,
                        gaps_per_day=0.01))),
            LinePlan("BO", "循环流化床锅炉", "CFB boilers",
                _units(_numbered("BO", 1, 2), ("锅炉", "Boiler"), "boiler",
                    Machine("", (Product("HP-STEAM", 36.0, whole=False),), _BOILER, speed=0.9,
                        scrap=0.0, warm_up_minutes=0.0, power_kw=72_000.0, idle_power=0.2,
                        carrier="coal", gaps_per_day=0.01))),
        ), AROUND_THE_CLOCK),
    ),
    (
        ProductName("POWER", "上网电量", "Delivered electricity", "MWh"),
        ProductName("HP-STEAM", "高压蒸汽", "High-pressure steam", "t"),
    ),
)  # fmt: skip

_PUMPS: Final = Machine(
    "", (Product("PUMP-ROTOR", 7200.0),), _more(_PUMP_WORK, 1.4), speed=0.93, scrap=0.012,
    warm_up_minutes=35.0, power_kw=22.0, gaps_per_day=0.03,
)  # fmt: skip

CORMORANT: Final = Plant(
    "cormorant",
    (
        SitePlan("JN", "济南工厂", "Jinan plant", (
            LinePlan("M", "大件加工", "Heavy machining",
                _units(_numbered("M", 1, 3), ("镗铣床", "Boring mill"), "boring_mill", _PUMPS)),
            LinePlan("AP", "总装", "Final assembly",
                _units(_numbered("AP", 1, 2), ("总装工位", "Assembly bay"), "assembly",
                    replace(_PUMPS, products=(Product("PUMP-CP118", 10_800.0),), power_kw=6.5,
                        losses=_more(_PUMP_WORK, 1.1)))),
        ), TWO_SHIFTS_SIX_DAYS),
    ),
    (
        ProductName("PUMP-ROTOR", "泵转子", "Pump rotor"),
        ProductName("PUMP-CP118", "离心泵 CP-118", "Centrifugal pump CP-118"),
    ),
)  # fmt: skip

WREN: Final = Plant(
    "wren",
    (
        SitePlan("YC", "盐城铸造厂", "Yancheng foundry", (
            LinePlan("C", "造型浇注", "Moulding and pouring",
                _units(_numbered("C", 1, 4), ("造型线", "Moulding line"), "moulding",
                    Machine("", (Product("=WF-0450", 150.0), Product("=MH-2208", 260.0)),
                        _more(_CASTING, 2.6), speed=0.94, scrap=0.028,
                        warm_up_minutes=25.0, power_kw=140.0, idle_power=0.5, gaps_per_day=0.05))),
        ), TWO_SHIFTS_SIX_DAYS),
    ),
    (
        ProductName("=WF-0450", "法兰毛坯 =WF-0450", "Flange casting =WF-0450"),
        ProductName("=MH-2208", "泵壳毛坯 =MH-2208", "Housing casting =MH-2208"),
    ),
)  # fmt: skip

_CARTON: Final = (Product("CARTON-3L", 1.4),)

DOVE: Final = Plant(
    "dove",
    (
        SitePlan("HZ", "杭州工厂", "Hangzhou plant", (
            LinePlan("K1", "纸箱一线", "Carton line 1", tuple(
                UnitPlan(code, f"{name} {code}", f"{english} {code}", "carton", 30.0, None, _CARTON)
                for code, name, english in (
                    ("K1-01", "印刷开槽", "Printer-slotter"),
                    ("K1-02", "模切", "Die cutter"),
                    ("K1-03", "粘箱", "Folder-gluer"),
                )
            )),
        ), DAY_SHIFT),
    ),
    (ProductName("CARTON-3L", "三层纸箱", "Three-layer carton"),),
)  # fmt: skip

PLANTS: Final = {
    plant.company: plant
    for plant in (KESTREL, PELICAN, ORIOLE, HOOPOE, GANNET, CORMORANT, DOVE, WREN)
}
"""The plant of every producing company of the cast but the NIST test bed, by company code."""
