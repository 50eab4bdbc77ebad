//! Names, telephone numbers and addresses, as people write them: the same
//! person now with a blank in the name, now with a title, the number with and
//! without its country, the address with and without the district.

use super::archetype::Archetype;
use super::network::{is_house, region_of, transformer_of};
use crate::generate::random::{Key, Stream};

const SURNAMES: [&str; 40] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "高",
    "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "潘", "袁", "蔡",
    "欧阳", "上官",
];
/// Given names of one syllable, or the second of two.
const GIVEN: [&str; 60] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平",
    "刚", "英", "兰", "国", "华", "东", "博", "涵", "桐", "然", "怡", "萱", "轩", "琪", "燕", "梅", "庆", "珍", "红",
    "曦", "远", "玲", "花", "胜", "飞", "国", "敏", "鹏", "宁", "斌", "峰", "莉", "辉", "云", "波", "萍", "俊", "琴",
    "宇", "康", "慧",
];
/// The first of two syllables.
const FIRST: [&str; 44] = [
    "建", "志", "晓", "文", "子", "雨", "浩", "欣", "梓", "宇", "俊", "佳", "海", "春", "永", "淑", "小", "嘉", "思",
    "美", "凤", "金", "德", "雪", "爱", "秀", "玉", "桂", "国", "家", "天", "立", "明", "卫", "红", "新", "少", "月",
    "丽", "振", "一", "诗", "若", "锦",
];
const ENGLISH: [&str; 12] = [
    "James Miller",
    "Anna Schmidt",
    "Robert Brown",
    "Emily Clark",
    "David Lee",
    "Sophie Martin",
    "Michael O'Brien",
    "Laura Rossi",
    "Thomas Müller",
    "Grace Kim",
    "Peter Novak",
    "Maria Garcia",
];
const FIRMS: [&str; 36] = [
    "恒", "达", "金", "源", "华", "泰", "盛", "宏", "图", "天", "成", "鑫", "隆", "永", "兴", "瑞", "丰", "国", "东",
    "方", "新", "宇", "博", "远", "海", "万", "和", "联", "创", "德", "信", "嘉", "禾", "启", "明", "云",
];
const PLACES: [&str; 6] = ["浙江", "杭州", "杭州", "杭州市", "", ""];
const DISTRICTS: [&str; 4] = ["东城区", "西湖区", "南江区", "北山区"];
const ROADS: [&str; 24] = [
    "文昌路",
    "建设路",
    "人民路",
    "解放路",
    "中山路",
    "和平路",
    "新华路",
    "学院路",
    "滨江路",
    "环城东路",
    "环城西路",
    "青年路",
    "育才路",
    "友谊路",
    "光明路",
    "迎宾大道",
    "工业园一路",
    "工业园二路",
    "科技大道",
    "凤起路",
    "桂花路",
    "梅林路",
    "湖滨路",
    "振兴街",
];
const ESTATES: [&str; 20] = [
    "翠苑小区",
    "阳光花园",
    "金色家园",
    "锦绣江南",
    "碧水湾",
    "紫荆苑",
    "桃源新村",
    "和谐家园",
    "东方明珠",
    "绿城花园",
    "梧桐公寓",
    "春江花园",
    "丽景苑",
    "安居新村",
    "星河湾",
    "望江府",
    "云栖里",
    "幸福里",
    "丹桂苑",
    "柳浪苑",
];
const VILLAGES: [&str; 8] = ["上塘村", "石桥村", "柳溪村", "新丰村", "大树村", "东岭村", "河湾村", "青山村"];
const MOBILE: [&str; 16] =
    ["130", "131", "135", "136", "137", "138", "139", "150", "151", "158", "159", "177", "180", "186", "188", "199"];

/// A person or firm that holds accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Person {
    /// The account with which they were first registered.
    pub index: u64,
    /// The tenant of that account, see [`super::tenant::Tenant::number`].
    pub number: u64,
}

#[derive(Clone, Copy)]
enum Draw {
    Surname,
    Given,
    IsForeign,
    Firm,
    First,
    Syllables,
    Place,
    Mobile,
    Number,
}

#[derive(Clone, Copy)]
enum Spelling {
    Name = 20,
    Phone,
    Address,
    Format,
    Road,
    House,
    Estate,
    Building,
    Unit,
    Floor,
    Door,
    Village,
}

fn one_of<'a>(list: &[&'a str], key: Key, draw: u64) -> &'a str {
    list[key.below(draw, list.len() as u64) as usize]
}

impl Person {
    fn key(self, seed: u64) -> Key {
        Key::new(seed, Stream::Person).with(self.index).with(self.number)
    }

    /// The name as it should be written.
    pub fn name(self, seed: u64, archetype: Archetype, industry: Option<&str>) -> String {
        let key = self.key(seed);
        if archetype.is_household() || matches!(archetype, Archetype::Shop | Archetype::Farm) {
            if key.chance(Draw::IsForeign as u64, 0.015) {
                return one_of(&ENGLISH, key, Draw::Given as u64).to_owned();
            }
            // Few surnames are common, most are rare; the old rather have one syllable.
            let place = key.unit(Draw::Surname as u64) * key.unit(Draw::Firm as u64) * SURNAMES.len() as f64;
            let first =
                if key.chance(Draw::Syllables as u64, 0.68) { one_of(&FIRST, key, Draw::First as u64) } else { "" };
            return format!("{}{first}{}", SURNAMES[place as usize], one_of(&GIVEN, key, Draw::Given as u64));
        }
        let syllables = [Draw::Firm, Draw::Given, Draw::First].map(|draw| one_of(&FIRMS, key, draw as u64));
        let name = if key.chance(Draw::Syllables as u64, 0.3) { syllables.concat() } else { syllables[..2].concat() };
        format!("{}{name}{}", one_of(&PLACES, key, Draw::Place as u64), suffix(archetype, industry))
    }

    /// The telephone number: 11 digits of a mobile, or area code and 8 digits.
    pub fn phone(self, seed: u64, archetype: Archetype) -> String {
        let key = self.key(seed);
        let number = key.below(Draw::Number as u64, 100_000_000);
        if archetype.is_household() || archetype == Archetype::Shop {
            format!("{}{number:08}", one_of(&MOBILE, key, Draw::Mobile as u64))
        } else {
            format!("0571{number:08}")
        }
    }

    /// The name as it was written for an account.
    pub fn written_name(self, seed: u64, archetype: Archetype, industry: Option<&str>, account: u64) -> String {
        let name = self.name(seed, archetype, industry);
        let key = spelling(seed, account, self.number);
        match key.below(Spelling::Name as u64, 100) {
            0..3 if archetype.is_household() => {
                let mut letters = name.chars();
                let first = letters.next().map(String::from).unwrap_or_default();
                format!("{first} {}", letters.as_str())
            }
            3..5 if archetype.is_household() => format!("{name}先生"),
            5..7 if archetype.is_household() => format!("{name}（户主）"),
            7..9 => format!(" {name}"),
            9 => format!("{name}　"),
            _ => name,
        }
    }

    /// The telephone number as it was written for an account; some have none.
    pub fn written_phone(self, seed: u64, archetype: Archetype, account: u64) -> Option<String> {
        let phone = self.phone(seed, archetype);
        let key = spelling(seed, account, self.number);
        let cut = |at: usize| phone.split_at(at);
        let is_mobile = phone.starts_with('1');
        Some(match key.below(Spelling::Phone as u64, 100) {
            0..2 => return None,
            2..6 if is_mobile => format!("+86 {phone}"),
            6..9 if is_mobile => format!("86-{phone}"),
            9..14 if is_mobile => {
                let (operator, rest) = cut(3);
                let (middle, last) = rest.split_at(4);
                format!("{operator} {middle} {last}")
            }
            0..40 if !is_mobile => {
                let (area, rest) = cut(4);
                format!("{area}-{rest}")
            }
            // Digits of full width, as an input method leaves them.
            14..15 => phone.chars().map(full_width).collect(),
            _ => phone,
        })
    }
}

/// The address of an account, as it was written down.
pub fn address(seed: u64, account: u64, archetype: Archetype, settlement: &str) -> String {
    let key = spelling(seed, account, 0);
    let transformer = transformer_of(account);
    // Neighbours on one transformer live in the same few streets.
    let area = Key::new(seed, Stream::Person).with(transformer).with(u64::MAX);
    let draw = |what: Spelling, bound: u64| key.below(what as u64, bound);
    let district = match key.below(Spelling::Address as u64, 10) {
        0..2 => "",
        _ => DISTRICTS[region_of(transformer)],
    };
    let road = ROADS[(area.below(1, 24) + draw(Spelling::Road, 2)) as usize % ROADS.len()];
    let house = 1 + draw(Spelling::House, 200);
    if archetype.is_household() && settlement != "rural" && is_house(seed, account) {
        let estate = ESTATES[(area.below(3, 20)) as usize % ESTATES.len()];
        return format!("{district}{road}{}号{estate}排屋{house}号", 1 + area.below(4, 400));
    }
    if archetype.is_household() && settlement == "rural" {
        let village = VILLAGES[(area.below(2, 8) + draw(Spelling::Village, 2)) as usize % VILLAGES.len()];
        return format!("{district}{village}{}组{house}号", 1 + draw(Spelling::Unit, 9));
    }
    if !archetype.is_household() {
        return format!("{district}{road}{house}号");
    }
    // An estate has one gate.
    let estate = draw(Spelling::Estate, 3);
    let (road, house) = (ROADS[(area.below(1, 24) + estate) as usize % ROADS.len()], 1 + area.below(10 + estate, 400));
    let estate = ESTATES[(area.below(3, 20) + estate) as usize % ESTATES.len()];
    let building = 1 + draw(Spelling::Building, 24);
    let unit = 1 + draw(Spelling::Unit, 4);
    let door = 100 * (1 + draw(Spelling::Floor, 18)) + 1 + draw(Spelling::Door, 4);
    match draw(Spelling::Format, 40) {
        0..3 => format!("{district}{estate}{building}-{unit}-{door}"),
        3 => format!("Rm {door}, Unit {unit}, Bldg {building}, {house} {road}"),
        4..6 => format!("{district} {road} {house} 号 {estate} {building} 栋 {door}"),
        _ => format!("{district}{road}{house}号{estate}{building}幢{unit}单元{door}室"),
    }
}

fn spelling(seed: u64, account: u64, number: u64) -> Key {
    Key::new(seed, Stream::Spelling).with(account).with(number)
}

fn full_width(letter: char) -> char {
    char::from_u32(u32::from(letter) + 0xFEE0).unwrap_or(letter)
}

/// What firms of an industry call themselves.
fn suffix(archetype: Archetype, industry: Option<&str>) -> &'static str {
    match industry.unwrap_or_default() {
        "F51" | "F52" => "商贸有限公司",
        "O80" => "维修服务部",
        "H61" => "酒店管理有限公司",
        "H62" => "餐饮有限公司",
        "L72" => "咨询有限公司",
        "M74" => "检测技术有限公司",
        "K70" => "物业服务有限公司",
        "J66" => "银行支行",
        "C17" => "纺织有限公司",
        "C18" => "服饰有限公司",
        "C21" => "家具有限公司",
        "C22" => "纸业有限公司",
        "C26" => "化工有限公司",
        "C29" => "塑胶有限公司",
        "C30" => "建材有限公司",
        "C31" => "钢铁有限公司",
        "C33" => "五金制品有限公司",
        "C36" => "汽车零部件有限公司",
        "C38" => "电气有限公司",
        "I63" => "通信铁塔有限公司",
        "I64" => "数据服务有限公司",
        "G59" => "冷链物流有限公司",
        "N78" => "路灯管理所",
        "P83" => "学校",
        "Q84" => "医院",
        _ if archetype == Archetype::Shop => "超市",
        _ => "有限公司",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn one_person_is_written_in_many_ways() {
        let person = Person { index: 7, number: 0 };
        let archetype = Archetype::AtHome;
        let names: BTreeSet<String> =
            (0..300).map(|account| person.written_name(1, archetype, None, account)).collect();
        let phones: BTreeSet<Option<String>> =
            (0..300).map(|account| person.written_phone(1, archetype, account)).collect();
        assert!(names.len() >= 4, "{names:?}");
        assert!(phones.len() >= 4 && phones.contains(&None), "{phones:?}");
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        let phone = person.phone(1, archetype);
        assert!(phones.iter().flatten().filter(|text| text.is_ascii()).all(|text| digits(text).ends_with(&phone)));
    }

    #[test]
    fn addresses_are_in_the_district_of_the_transformer() {
        for account in 0..500 {
            let address = address(1, account, Archetype::WorkingFamily, "urban");
            let named: Vec<&str> = DISTRICTS.into_iter().filter(|district| address.starts_with(district)).collect();
            let own = DISTRICTS[region_of(transformer_of(account))];
            assert!(named.is_empty() || named == [own], "{address}");
        }
    }
}
