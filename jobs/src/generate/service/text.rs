//! What is written into work orders: short Chinese sentences of people who type
//! fast, with dates, amounts and now and then a telephone number.

use chrono::{Datelike, NaiveDate};

use super::Story;
use super::work_order::Kind;
use crate::generate::random::Key;
use crate::generate::who::outage::Outage;

const BILLING_ENQUIRY: &[&str] = &[
    "客户来电咨询{月}月电费明细，已解释。",
    "咨询本月电费{元}元如何计算，已告知阶梯电价标准。",
    "用户询问电费余额及缴费方式。",
    "客户想了解近期电费为何比上月多，已核对抄表数据。",
    "查询{月}月账单，电费{元}元，客户表示了解",
];
const BILLING_COMPLAINT: &[&str] = &[
    "客户反映{月}月电费{元}元，较往常明显偏高，要求核实。",
    "电费突然涨了很多，家里用电习惯没有变化，怀疑电表走快，要求校表！",
    "客户对{月}月电费有异议，认为多收，情绪激动，要求尽快回复",
    "反映催费短信频繁，电费已缴清仍收到催费通知，要求停止。",
];
const TARIFF: &[&str] = &[
    "咨询峰谷电价如何办理，夜间谷段时间。",
    "用户咨询阶梯电价第二档标准及分时电价是否划算。",
    "想把电价改成峰谷的，问需要什么材料",
    "客户对分时电价政策调整有疑问，已解释。",
];
const METERING: &[&str] = &[
    "客户反映电表屏幕不显示，请现场核查。",
    "用户称电表走字不准，要求校验。",
    "换表后示数与记录不一致，客户要求核对底度。",
    "电表箱门损坏，请处理。",
];
const SUPPLY_HOME: &[&str] = &[
    "家里电压低，空调带不动，灯忽明忽暗。",
    "反映晚上用电高峰电压不稳，电器经常跳闸。",
    "电压不稳，要求尽快处理，已多次反映。",
];
const SUPPLY_FIRM: &[&str] = &[
    "用户称三相电缺一相，设备无法启动，影响生产。",
    "电压波动大，设备频繁跳停，要求检测电能质量。",
    "电压不稳，要求尽快处理，已多次反映。",
];
const OUTAGE_FAULT_HOME: &[&str] =
    &["家中突然没电，邻居也没有，请尽快抢修。", "整栋楼停电，什么时候来电？", "客户报修停电，已派抢修人员。"];
const OUTAGE_FAULT_FIRM: &[&str] =
    &["停电影响营业，催促尽快恢复", "客户报修停电，已派抢修人员。", "突然停电，生产线停了，请尽快处理。"];
const OUTAGE_COMPLAINT_HOME: &[&str] = &[
    "客户投诉{月}月{日}日停电时间过长，未提前通知，冰箱食物损坏。",
    "停电抢修不及时，客户等待数小时，非常不满。",
    "{月}月{日}日停电未提前通知，影响生活，要求解释。",
];
const OUTAGE_COMPLAINT_OFTEN: &[&str] = &["频繁停电，一个月停了好几次，严重影响生活，要求给出说法！"];
const OUTAGE_COMPLAINT_FIRM: &[&str] =
    &["停电未通知，影响生产经营，要求赔偿。", "停电抢修不及时，客户等待数小时，损失较大，非常不满。"];
const OUTAGE_ENQUIRY: &[&str] = &["咨询计划停电时间及恢复时间。", "用户询问是否有停电计划，已告知。"];
const SERVICE_COMPLAINT: &[&str] =
    &["客户投诉营业厅工作人员态度差，推诿。", "反映电话打不通，排队时间太长。", "抄表员服务态度不好，要求道歉。"];
const PRAISE: &[&str] = &["客户表扬抢修师傅响应快、服务热情。", "感谢工作人员上门耐心解释电费，特来电表扬。"];
const SUGGESTION: &[&str] = &["建议增加线上办理渠道。", "建议停电提前短信通知。", "希望营业厅周末延长服务时间。"];
const PV: &[&str] = &["咨询屋顶光伏并网手续及上网电价。", "申请分布式光伏并网，屋顶自有。"];
const CHARGING: &[&str] = &["咨询家用充电桩报装流程，小区车位已购。", "申请安装充电桩电表，电动车充电用。"];
const CAPACITY: &[&str] = &["申请增容，现有容量不够用。", "咨询增容费用及办理时间。"];
const SUSPEND: &[&str] = &["暂停用电申请，停产。", "申请减容，近期生产减少。"];
const CONNECTION: &[&str] = &["新装用电申请。", "新房通电申请，请安排勘察。"];
const OTHER: &[&str] =
    &["其他业务咨询，已答复。", "客户要求变更联系电话。", "过户申请，房屋已出售。", "咨询业务办理进度。"];

/// The text of a work order of a day.
pub fn content(kind: Kind, topic: &str, story: &Story<'_>, day: i32, key: Key) -> String {
    let account = story.account;
    let is_home = account.archetype().is_household();
    let near = |outage: &&Outage| (day - 31..=day).contains(&outage.day());
    let is_often = story.outages.iter().filter(near).count() > 1;
    let is_idle = account.tenant.idle_since.is_some_and(|idle| idle < day);
    let texts = match (topic, kind) {
        ("billing", Kind::Complaint) => BILLING_COMPLAINT,
        ("billing", _) => BILLING_ENQUIRY,
        ("tariff", _) => TARIFF,
        ("metering", _) => METERING,
        ("supply_quality", _) if is_home => SUPPLY_HOME,
        ("supply_quality", _) => SUPPLY_FIRM,
        ("outage", Kind::FaultReport) if is_home => OUTAGE_FAULT_HOME,
        ("outage", Kind::FaultReport) => OUTAGE_FAULT_FIRM,
        ("outage", Kind::Complaint) if is_often => OUTAGE_COMPLAINT_OFTEN,
        ("outage", Kind::Complaint) if is_home => OUTAGE_COMPLAINT_HOME,
        ("outage", Kind::Complaint) => OUTAGE_COMPLAINT_FIRM,
        ("outage", _) => OUTAGE_ENQUIRY,
        ("service", Kind::Praise) => PRAISE,
        ("service", Kind::Suggestion) => SUGGESTION,
        ("service", _) => SERVICE_COMPLAINT,
        ("pv", _) => PV,
        ("ev_charging", _) => CHARGING,
        ("capacity", _) if is_idle => SUSPEND,
        ("capacity", _) => CAPACITY,
        ("connection", _) => CONNECTION,
        _ => OTHER,
    };
    let text = texts[key.below(0, texts.len() as u64) as usize];
    let bill = story.bills.iter().rev().find(|bill| bill.issued <= day);
    let date = NaiveDate::from_epoch_days(day).unwrap_or_default();
    let month = bill.map_or(date.month() as usize, |bill| bill.month.month + 1);
    let cents = bill.map_or(0, |bill| bill.total_cents);
    let text = text
        .replace("{月}", &if topic == "billing" { month.to_string() } else { date.month().to_string() })
        .replace("{日}", &date.day().to_string())
        .replace("{元}", &format!("{}.{:02}", cents / 100, cents % 100));
    match key.below(1, 20) {
        0 => format!("【{}】{text}", date.format("%Y-%m-%d")),
        1 => text.trim_end_matches(['。', '！']).to_owned(),
        2 => format!("您好，{text}谢谢"),
        _ => text,
    }
}
