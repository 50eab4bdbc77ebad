//! Names, telephone numbers and addresses, as people write them: the same
//! person now with a blank in the name, now with a title, the number with and
//! without its country, the address with and without the district.

use super::archetype::Archetype;
use super::network::{region_of, transformer_of};
use crate::generate::random::{Key, Stream};

const SURNAMES: [&str; 40] = [
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐", "孙", "马", "朱", "胡", "郭", "何", "林", "高",
    "罗", "郑", "梁", "谢", "宋", "唐", "许", "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "潘", "袁", "蔡",
    "欧阳", "上官",
];
const GIVEN: [&str; 56] = [
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平",
    "刚", "桂英", "玉兰", "建国", "建华", "秀英", "志强", "晓东", "文博", "子涵", "雨桐", "浩然", "欣怡", "梓萱",
    "宇轩", "俊杰", "佳琪", "海燕", "春梅", "国庆", "建军", "永强", "淑珍", "小红", "丽华", "志明", "晨曦", "嘉怡",
    "思远", "美玲", "凤英", "金花", "德胜", "云飞", "雪梅", "爱国", "慧敏",
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
const FIRMS: [&str; 24] = [
    "恒达", "金源", "华泰", "盛世", "宏图", "天成", "鑫隆", "永兴", "瑞丰", "国泰", "东方", "新宇", "博远", "海纳",
    "万和", "联创", "德信", "嘉禾", "中天", "长青", "启明", "同济", "江南", "云帆",
];
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
    Mobile,
    Number,
}

#[derive(Clone, Copy)]
enum Spelling {
    Name = 20,
    Phone,
    Address,
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
    pub fn name(self, seed: u64, archetype: Archetype) -> String {
        let key = self.key(seed);
        if archetype.is_household() || matches!(archetype, Archetype::Shop | Archetype::Farm) {
            if key.chance(Draw::IsForeign as u64, 0.015) {
                return one_of(&ENGLISH, key, Draw::Given as u64).to_owned();
            }
            // Few surnames are common, most are rare.
            let place = key.unit(Draw::Surname as u64) * key.unit(Draw::Firm as u64) * SURNAMES.len() as f64;
            return format!("{}{}", SURNAMES[place as usize], one_of(&GIVEN, key, Draw::Given as u64));
        }
        let firm = one_of(&FIRMS, key, Draw::Firm as u64);
        let more = one_of(&FIRMS, key, Draw::Given as u64);
        format!("{firm}{more}{}", archetype.suffix())
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
    pub fn written_name(self, seed: u64, archetype: Archetype, account: u64) -> String {
        let name = self.name(seed, archetype);
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
    if archetype.is_household() && settlement == "rural" {
        let village = VILLAGES[(area.below(2, 8) + draw(Spelling::Village, 2)) as usize % VILLAGES.len()];
        return format!("{district}{village}{}组{house}号", 1 + draw(Spelling::Unit, 9));
    }
    if !archetype.is_household() {
        return format!("{district}{road}{house}号");
    }
    let estate = ESTATES[(area.below(3, 20) + draw(Spelling::Estate, 3)) as usize % ESTATES.len()];
    let building = 1 + draw(Spelling::Building, 24);
    let unit = 1 + draw(Spelling::Unit, 4);
    let door = 100 * (1 + draw(Spelling::Floor, 18)) + 1 + draw(Spelling::Door, 4);
    match draw(Spelling::Address, 40) {
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

impl Archetype {
    /// What firms of a kind call themselves.
    fn suffix(self) -> &'static str {
        match self {
            Self::WorkingFamily | Self::AtHome | Self::NightOwl | Self::Vacant | Self::Farm => "",
            Self::Shop => "超市",
            Self::Restaurant => "餐饮有限公司",
            Self::Hotel => "酒店管理有限公司",
            Self::Office => "科技有限公司",
            Self::Hospital => "医院",
            Self::FactoryOneShift => "机械制造有限公司",
            Self::FactoryTwoShifts => "纺织有限公司",
            Self::FactoryThreeShifts => "化工有限公司",
            Self::School => "学校",
            Self::StreetLighting => "市政路灯管理所",
            Self::BaseStation => "通信铁塔有限公司",
            Self::ColdStore => "冷链物流有限公司",
            Self::DataCentre => "数据服务有限公司",
        }
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
        let names: BTreeSet<String> = (0..300).map(|account| person.written_name(1, archetype, account)).collect();
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
