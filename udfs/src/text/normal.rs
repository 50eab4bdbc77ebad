//! One way to write what can be written in many.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Full width as half width, compatible characters as the usual ones, small
/// letters.
pub(super) fn folded(text: &str) -> String {
    let small = text.nfkc().flat_map(char::to_lowercase);
    // Characters without width say nothing, nor does the dot that is left over
    // where İ becomes small.
    let seen = small.filter(|c| !matches!(c, '\u{307}' | '\u{200b}'..='\u{200d}' | '\u{feff}'));
    seen.map(|character| if character == '\u{2019}' { '\'' } else { character }).collect()
}

/// A character of Chinese, or one that is written beside them.
pub(super) fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{323af}')
}

/// The words of a folded text: runs of letters and digits, of which Chinese ones
/// are apart from others.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before: Option<bool> = None;
    for character in text.chars() {
        // An apostrophe is inside a word: o'neil.
        if character == '\'' {
            continue;
        }
        if !character.is_alphanumeric() && !is_combining_mark(character) {
            before = None;
            continue;
        }
        let han = is_han(character);
        match words.last_mut().filter(|_| before == Some(han)) {
            Some(word) => word.push(character),
            None => words.push(character.to_string()),
        }
        before = Some(han);
    }
    words
}

/// Words as one text: blanks between those of letters, none beside Chinese.
pub(super) fn joined(words: &[String]) -> String {
    let mut text = String::new();
    for word in words {
        let beside = (text.chars().next_back(), word.chars().next());
        if let (Some(last), Some(first)) = beside
            && !is_han(last)
            && !is_han(first)
        {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}

/// The name of a person or a company, as one of all ways to write it.
pub(super) fn name(text: &str) -> String {
    let mut words = words(&folded(text));
    for word in &mut words {
        let short = match word.as_str() {
            "limited" => "ltd",
            "company" => "co",
            "incorporated" => "inc",
            "corporation" => "corp",
            _ => continue,
        };
        *word = short.to_owned();
    }
    let is_title = |word: &String| matches!(word.as_str(), "mr" | "mrs" | "ms" | "miss" | "dr");
    // A title alone is all the name there is.
    while words.len() > 1 && words.first().is_some_and(is_title) {
        words.remove(0);
    }
    let mut name = joined(&words).replace("有限责任公司", "有限公司");
    let untitled = |name: &str| {
        let rest = ["先生", "女士", "小姐"].into_iter().find_map(|title| name.strip_suffix(title));
        rest.filter(|rest| !rest.is_empty()).map(str::to_owned)
    };
    while let Some(rest) = untitled(&name) {
        name = rest;
    }
    name
}

/// An address, as one of all ways to write it.
pub(super) fn address(text: &str) -> String {
    let folded = folded(text).replace('#', "号");
    let mut words = words(&with_blocks(&with_digits(&folded)));
    for word in &mut words {
        let short = match word.as_str() {
            "road" => "rd",
            "street" => "st",
            "avenue" => "ave",
            "lane" => "ln",
            "drive" => "dr",
            "square" => "sq",
            "apartment" | "flat" | "unit" | "room" => "apt",
            "building" | "block" => "bldg",
            "floor" => "fl",
            other => other,
        };
        *word = short.to_owned();
        if word.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = word.trim_start_matches('0');
            *word = if number.is_empty() { "0".to_owned() } else { number.to_owned() };
        }
    }
    words.retain(|word| !matches!(word.as_str(), "no" | "number"));
    joined(&words)
}

/// The units of an address that a number stands before.
const UNITS: [char; 14] = ['号', '栋', '幢', '座', '单', '室', '楼', '层', '弄', '巷', '户', '组', '期', '房'];

/// What a house of a number is called, in one word: 5号楼 and A座 as 5栋 and A栋.
fn with_blocks(text: &str) -> String {
    let mut blocks = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let called = ["号楼", "幢", "座"].into_iter().find_map(|called| rest.strip_prefix(called));
        match called.filter(|_| blocks.ends_with(|before: char| before.is_ascii_alphanumeric())) {
            Some(after) => {
                blocks.push('栋');
                rest = after;
            }
            None => {
                blocks.push(character);
                rest = &rest[character.len_utf8()..];
            }
        }
    }
    blocks
}

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

fn digit(character: char) -> Option<u32> {
    match character {
        '〇' => return Some(0),
        '两' => return Some(2),
        _ => {}
    }
    // One of ten.
    DIGITS.iter().position(|digit| *digit == character).map(|at| at as u32)
}

/// Chinese numerals before a unit as digits: 十二栋 as 12栋.
fn with_digits(text: &str) -> String {
    let mut digits = String::with_capacity(text.len());
    let mut numeral = String::new();
    for character in text.chars().map(Some).chain([None]) {
        if let Some(part) = character.filter(|part| digit(*part).is_some() || "十百千".contains(*part)) {
            numeral.push(part);
            continue;
        }
        match number(&numeral).filter(|_| character.is_some_and(|unit| UNITS.contains(&unit))) {
            Some(number) => digits.push_str(&number.to_string()),
            None => digits.push_str(&numeral),
        }
        numeral.clear();
        digits.extend(character);
    }
    digits
}

/// 一百零二 as well as 五〇二; `None` where it is not written as numbers are.
fn number(numeral: &str) -> Option<u32> {
    let is_spelt = numeral.contains(['十', '百', '千']);
    let (mut sum, mut last, mut unit) = (0u32, None, 10_000);
    for character in numeral.chars() {
        let power = match character {
            '十' => 10,
            '百' => 100,
            '千' => 1000,
            other => {
                let digit = digit(other)?;
                if !is_spelt {
                    sum = sum.checked_mul(10)?.checked_add(digit)?;
                } else if last.replace(digit).is_some_and(|before| before > 0) {
                    return None;
                }
                continue;
            }
        };
        // Units descend; only ten may stand without a digit, in front.
        let digit = last.take().filter(|digit| *digit > 0);
        if power >= unit || (digit.is_none() && (power > 10 || sum > 0)) {
            return None;
        }
        sum = sum.checked_add(digit.unwrap_or(1) * power)?;
        unit = power;
    }
    if numeral.is_empty() { None } else { sum.checked_add(last.unwrap_or(0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_are_numbers() {
        for (numeral, expected) in [
            ("一", 1),
            ("十", 10),
            ("十二", 12),
            ("二十", 20),
            ("三十五", 35),
            ("一百", 100),
            ("一百零二", 102),
            ("五〇二", 502),
            ("一百二十", 120),
            ("一千二百", 1200),
            ("一千零一", 1001),
            ("两百", 200),
        ] {
            assert_eq!(number(numeral), Some(expected), "{numeral}");
        }
        for none in ["", "百百", "二三十", "十百", "百", &"九".repeat(99)] {
            assert_eq!(number(none), None, "{none}");
        }
    }

    #[test]
    fn addresses_have_one_form() {
        for (text, expected) in [
            ("上海市　静安区南京西路１２３４号 五号楼 二单元 三〇一室", "上海市静安区南京西路1234号5栋2单元301室"),
            ("上海市静安区南京西路1234#5栋2单元301室", "上海市静安区南京西路1234号5栋2单元301室"),
            ("Flat 04, 12 High Street", "apt 4 12 high st"),
            ("APARTMENT 4, No. 12 HIGH ST.", "apt 4 12 high st"),
            ("三里屯路", "三里屯路"),
            ("银座大厦A座一千零一室", "银座大厦a栋1001室"),
            ("1.5号", "1 5号"),
            ("İstiklal Street 5", "istiklal st 5"),
        ] {
            assert_eq!(address(text), expected);
        }
    }

    #[test]
    fn names_have_one_form() {
        for (text, expected) in [
            ("ＡＢＣ Ｃompany, Limited", "abc co ltd"),
            ("Mr. Seán O'Neil", "seán oneil"),
            ("张 三 先生", "张三"),
            ("Mr.Dr. Smith", "smith"),
            ("İNÖNÜ ไฟฟ้า", "inönü ไฟฟ้า"),
            ("A\u{200b}B", "ab"),
            ("华东电力 有限责任公司", "华东电力有限公司"),
            ("Dr", "dr"),
            ("!!", ""),
        ] {
            assert_eq!(name(text), expected);
        }
    }
}
