"""What the demo's companies, people and conversations are made of.

All names are invented; addresses end in the reserved ``.example``, British and American numbers
come from the ranges kept free for stories.
"""

from __future__ import annotations

from typing import NamedTuple


class City(NamedTuple):
    """A Chinese city: province, name, districts, area code, first half of the postal code."""

    province: str
    name: str
    short: str
    districts: tuple[str, ...]
    area_code: str
    postal_code: str


class Trade(NamedTuple):
    """A line of business: the industry's option, and how companies in it are called."""

    industry: str
    zh: str
    en: str


class Place(NamedTuple):
    """A city abroad with the country's dialling pattern; each ``#`` becomes a digit."""

    country: str
    name: str
    postal_code: str
    phone: str


CITIES = (
    City("浙江省", "杭州市", "杭州", ("萧山区", "滨江区", "余杭区"), "571", "311200"),
    City("浙江省", "宁波市", "宁波", ("鄞州区", "北仑区"), "574", "315100"),
    City("浙江省", "绍兴市", "绍兴", ("越城区", "柯桥区"), "575", "312000"),
    City("浙江省", "嘉兴市", "嘉兴", ("南湖区", "秀洲区"), "573", "314000"),
    City("浙江省", "温州市", "温州", ("鹿城区", "龙湾区"), "577", "325000"),
    City("江苏省", "南京市", "南京", ("江宁区", "鼓楼区", "浦口区"), "25", "210000"),
    City("江苏省", "苏州市", "苏州", ("吴中区", "虎丘区"), "512", "215000"),
    City("江苏省", "南通市", "南通", ("崇川区", "通州区"), "513", "226000"),
    City("江苏省", "无锡市", "无锡", ("新吴区", "滨湖区"), "510", "214000"),
    City("安徽省", "合肥市", "合肥", ("蜀山区", "包河区"), "551", "230000"),
    City("江苏省", "徐州市", "徐州", ("云龙区", "泉山区"), "516", "221000"),
    City("上海市", "上海市", "上海", ("浦东新区", "嘉定区", "松江区"), "21", "200000"),
    City("北京市", "北京市", "北京", ("海淀区", "亦庄开发区"), "10", "100000"),
    City("广东省", "深圳市", "深圳", ("南山区", "宝安区"), "755", "518000"),
    City("山东省", "青岛市", "青岛", ("黄岛区", "城阳区"), "532", "266000"),
)

STREETS = ("创业路", "科技大道", "滨河路", "兴业街", "长江路", "工业园一路", "文汇路", "明珠路")

#: A brand is one of the first and one of the second: both parts and their pinyin.
BRAND_HEADS = (
    ("恒", "heng"), ("华", "hua"), ("瑞", "rui"), ("澜", "lan"), ("泓", "hong"), ("锦", "jin"),
    ("屹", "yi"), ("凌", "ling"), ("朗", "lang"), ("昱", "yu"), ("宸", "chen"), ("铭", "ming"),
    ("湛", "zhan"), ("衡", "heng"), ("晟", "sheng"), ("奕", "yi"),
)  # fmt: skip
BRAND_TAILS = (
    ("沅", "yuan"), ("汐", "xi"), ("亭", "ting"), ("屿", "yu"), ("砚", "yan"), ("岑", "cen"),
    ("翎", "ling"), ("霁", "ji"), ("珩", "heng"), ("棠", "tang"), ("榕", "rong"), ("野", "ye"),
    ("渡", "du"), ("樾", "yue"),
)  # fmt: skip

TRADES = (
    Trade("machinery", "泵业", "Pumps"),
    Trade("machinery", "精密机械", "Precision"),
    Trade("electronics", "电子", "Electronics"),
    Trade("chemicals", "化工", "Chemicals"),
    Trade("food", "乳业", "Dairy"),
    Trade("food", "酿造", "Brewing"),
    Trade("medical", "医疗器械", "Medical"),
    Trade("automotive", "汽车零部件", "Auto Parts"),
    Trade("software", "软件", "Software"),
    Trade("logistics", "物流", "Logistics"),
    Trade("energy", "电力", "Power"),
    Trade("energy", "水务", "Water"),
    Trade("business_services", "工程咨询", "Engineering"),
)

#: Companies abroad take their names from these.
BRANDS_ABROAD = (
    "Ostermark", "Webering", "Northmoor", "Kestrel & Lowe", "Mekora", "Aldervik", "Brannock",
    "Calder Reach", "Dunmarsh", "Elmsgate", "Fjordal", "Grenzhof", "Harrowby", "Ivaldi",
    "Kaltenau", "Lindemark", "Marlowe & Pike", "Norvane", "Oakhollow", "Pellworth", "Quillon",
    "Ravenshaw", "Silverden", "Tarnbeck", "Ulvsund", "Varley", "Wexcombe", "Yarrowfield",
)  # fmt: skip

PLACES_ABROAD = (
    Place("GB", "London", "SE1 0AA", "+44207946####"),
    Place("GB", "Leeds", "LS1 4AP", "+44113496####"),
    Place("DE", "Stuttgart", "70173", "+49711234####"),
    Place("DE", "Hamburg", "20095", "+4940234####"),
    Place("PL", "Gdansk", "80-001", "+4858555####"),
    Place("SG", "Singapore", "018956", "+656123####"),
    Place("US", "New York", "10001", "+121255501##"),
    Place("JP", "Tokyo", "100-0001", "+81352345###"),
)

#: Family names and given names, each with its pinyin.
FAMILY_NAMES = (
    ("王", "wang"), ("李", "li"), ("张", "zhang"), ("刘", "liu"), ("陈", "chen"), ("杨", "yang"),
    ("黄", "huang"), ("赵", "zhao"), ("吴", "wu"), ("周", "zhou"), ("徐", "xu"), ("孙", "sun"),
    ("朱", "zhu"), ("胡", "hu"), ("郭", "guo"), ("沈", "shen"), ("顾", "gu"), ("潘", "pan"),
)  # fmt: skip
GIVEN_NAMES = (
    ("建国", "jianguo", "male"), ("玲", "ling", "female"), ("志强", "zhiqiang", "male"),
    ("丽娟", "lijuan", "female"), ("俊杰", "junjie", "male"), ("晓燕", "xiaoyan", "female"),
    ("海涛", "haitao", "male"), ("雪梅", "xuemei", "female"), ("文博", "wenbo", "male"),
    ("思远", "siyuan", "male"), ("佳怡", "jiayi", "female"), ("明辉", "minghui", "male"),
    ("婷婷", "tingting", "female"), ("国栋", "guodong", "male"), ("静", "jing", "female"),
    ("宏伟", "hongwei", "male"), ("慧", "hui", "female"), ("振宇", "zhenyu", "male"),
)  # fmt: skip
FIRST_NAMES_ABROAD = (
    ("James", "male"), ("Olivia", "female"), ("Lukas", "male"), ("Hannah", "female"),
    ("Piotr", "male"), ("Agnieszka", "female"), ("Wei Ling", "female"), ("Daniel", "male"),
    ("Sofia", "female"), ("Kenji", "male"), ("Grace", "female"), ("Martin", "male"),
)  # fmt: skip
LAST_NAMES_ABROAD = (
    "Hartley", "Brandt", "Kowalski", "Tan", "Whitmore", "Vogel", "Nowak", "Reeves", "Sato",
    "Lindgren", "Fischer", "Okafor", "Bianchi", "Marsh",
)  # fmt: skip

JOBS = (
    ("总经理", "Managing director", True), ("采购经理", "Purchasing manager", True),
    ("设备主管", "Maintenance lead", False), ("生产厂长", "Plant director", True),
    ("信息部经理", "Head of IT", False), ("工程师", "Engineer", False),
    ("财务经理", "Finance manager", False),
)  # fmt: skip

#: Category, its upper category; the English name follows the slash.
CATEGORIES = (
    ("sensors", "传感器 / Sensors", None),
    ("vibration", "振动传感器 / Vibration sensors", "sensors"),
    ("pressure", "压力传感器 / Pressure sensors", "sensors"),
    ("flow", "流量计 / Flow meters", "sensors"),
    ("gateways", "网关 / Gateways", None),
    ("software", "软件 / Software", None),
    ("services", "服务 / Services", None),
)

#: Category, code, name, unit, price, cost, tax rate, specification.
PRODUCTS = (
    ("vibration", "TR-400", "TR-400 振动传感器", "piece", "6200", "3350", 13, "4–20 mA, IP67"),
    ("vibration", "TR-410", "TR-410 无线振动传感器", "piece", "7800", "4200", 13, "LoRa, IP67"),
    ("vibration", "TR-420", "TR-420 三轴振动传感器", "piece", "9600", "5600", 13, "USB-C, IP65"),
    ("vibration", "TR-450", "TR-450 防爆振动传感器", "piece", "12800", "7400", 13, "Ex ib IIC T4"),
    ("pressure", "PR-100", "PR-100 压力变送器", "piece", "1850", "960", 13, "0–1.6 MPa"),
    ("pressure", "PR-120", "PR-120 微差压变送器", "piece", "2480", "1310", 13, "±500 Pa"),
    ("pressure", "PR-200", "PR-200 卫生型压力变送器", "piece", "3900", "2050", 13, "Tri-clamp"),
    ("flow", "FL-50", "FL-50 电磁流量计", "machine", "5600", "3100", 13, "DN50"),
    ("flow", "FL-100", "FL-100 电磁流量计", "machine", "7900", "4450", 13, "DN100"),
    ("flow", "FL-200", "FL-200 超声波流量计", "machine", "15800", "9200", 13, "DN200"),
    ("gateways", "TG-10", "TG-10 数据网关", "machine", "8600", "4700", 13, "4 × RS-485"),
    ("gateways", "TG-20", "TG-20 边缘网关", "set", "38500", "21500", 13, "8 GB, LTE"),
    ("gateways", "TG-30", "TG-30 工业路由器", "machine", "4200", "2300", 13, "5G"),
    ("software", "SW-MON", "Monitoring software, one year", "year", "162000", "24000", 6, None),
    ("software", "SW-MON3", "Monitoring software, 3 years", "set", "486000", "70000", 6, None),
    ("software", "SW-API", "数据接口许可 / API licence", "year", "28000", "3000", 6, None),
    ("services", "SV-INST", "安装调试 / Installation", "day", "4800", "2600", 6, None),
    ("services", "SV-TRAIN", "现场培训 / Training", "day", "6000", "2800", 6, None),
    ("services", "SV-AUDIT", "产线诊断 / Line audit", "day", "9800", "5200", 6, None),
    ("services", "SV-CARE", "年度维保 / Yearly service", "year", "36000", "15000", 6, None),
    ("flow", "FL-50A", "FL-50A 旧款电磁流量计", "machine", "4900", "3000", 13, "DN50, old"),
)

PROJECTS = (
    ("二号车间振动监测", "Vibration monitoring, plant 2"), ("罐区液位改造", "Tank farm levels"),
    ("洁净室压力监测", "Clean-room pressure"), ("七号泵站", "Pump station 7"),
    ("灌装线诊断", "Filling line audit"), ("窑炉监测", "Kiln monitoring"),
    ("锅炉房改造", "Boiler house"), ("备件年度框架", "Spare parts framework"),
    ("冷库传感器", "Cold store sensors"), ("车队定位", "Fleet tracking"),
    ("粉尘监测", "Dust monitoring"), ("加药控制", "Dosing control"),
    ("汽轮机厂房", "Turbine hall"), ("焊装线三期", "Weld line 3"),
    ("年度维保", "Service, one year"),
)  # fmt: skip

#: What was said, and what comes next.
TALKS = (
    (
        "客户认可方案，预算会在周五。", "周五后再联系",
        "Likes the proposal; the budget meeting is on Friday.", "Ring after Friday",
    ),
    (
        "介绍了新款网关，对方要求寄样机。", "寄样机",
        "Showed the new gateway; they want one to try.", "Send a sample",
    ),
    (
        "设备主管关心停机时间，希望分两批交货。", "调整交货计划",
        "Worries about downtime, wants delivery in two lots.", "Change the delivery plan",
    ),
    (
        "采购在比价，另有两家报价。", "准备折扣申请",
        "Purchasing compares us with two others.", "Ask for a discount",
    ),
    (
        "电话未接，已发邮件。", "再次致电",
        "No answer, wrote an e-mail.", "Ring again",
    ),
    (
        "现场勘察，确认了十二个测点。", "出点位图",
        "Visited the site and agreed on twelve points.", "Draw the plan of points",
    ),
    (
        "合同条款法务还在看。", "询问法务进度",
        "Their lawyers are still reading the terms.", "Ask about the lawyers",
    ),
    (
        "上线运行正常，客户满意。", "约下月回访",
        "Runs well, the customer is content.", "Visit next month",
    ),
    (
        "讨论明年扩容，先做二号车间。", "准备扩容方案",
        "Talked about next year; plant 2 comes first.", "Prepare the expansion",
    ),
    (
        "付款已在走流程，预计下周到账。", "核对到账",
        "Payment is on its way, next week they say.", "Check the account",
    ),
)  # fmt: skip

NEEDS = (
    ("想了解设备在线监测方案。", "Wants to know about on-line monitoring."),
    ("需要替换二十台旧压力变送器。", "Has twenty old transmitters to replace."),
    ("看了展会样机，希望安排演示。", "Saw us at the fair, wants a demonstration."),
    ("咨询流量计价格和交期。", "Asks for price and delivery of flow meters."),
)

TASKS = (
    ("整理点位图", "Draw the plan of points"), ("寄送样机", "Send a sample"),
    ("准备报价", "Prepare the quote"), ("核对到账", "Check the payment"),
    ("安排现场培训", "Arrange the training"), ("回访客户", "Visit the customer"),
    ("更新联系人", "Bring the contacts up to date"), ("准备续约方案", "Prepare the renewal"),
)  # fmt: skip

GROUPS = (
    ("国内重点客户 / Key customers at home", "static", None, "teal"),
    ("海外客户 / Abroad", "static", None, "blue"),
    ("年度维保客户 / On service", "static", None, "green"),
    ("欠款客户 / Owing", "dynamic", "unreceived_total > 0", "orange"),
    ("沉默重点客户 / Silent key customers", "dynamic", "level == 'a' and silent_days > 14", "red"),
)

TICKETS = (
    ("网关离线", "Gateway is offline"), ("读数漂移", "Readings drift"),
    ("如何导出历史曲线？", "How do I export curves?"), ("增加报警短信", "Alarms by SMS, please"),
    ("现场更换传感器", "A sensor has to be replaced"), ("账号无法登录", "Cannot sign in"),
)  # fmt: skip

FEEDBACK = (
    ("运行稳定，响应及时。", "Runs well, quick answers."),
    ("希望增加移动端报表。", "Would like reports on the phone."),
    ("培训内容实用。", "The training was useful."),
    ("备件到货偏慢。", "Spare parts take too long."),
)
