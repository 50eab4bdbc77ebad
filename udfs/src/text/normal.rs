//! One way to write what can be written in many.

use unicode_normalization::UnicodeNormalization;

/// Full width as half width, compatible characters as the usual ones, small
/// letters.
pub(super) fn folded(text: &str) -> String {
    text.nfkc().flat_map(char::to_lowercase).collect()
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
        // An apostrophe and a dot are inside a word: o'neil, e.on.
        if matches!(character, '\'' | '\u{2019}' | '.') {
            continue;
        }
        if !character.is_alphanumeric() {
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
    if words.len() > 1 && words.first().is_some_and(is_title) {
        words.remove(0);
    }
    let name = joined(&words).replace("有限责任公司", "有限公司");
    let untitled = ["先生", "女士", "小姐"].into_iter().find_map(|title| name.strip_suffix(title));
    match untitled.filter(|rest| !rest.is_empty()) {
        Some(rest) => rest.to_owned(),
        None => name,
    }
}

/// An address, as one of all ways to write it.
pub(super) fn address(text: &str) -> String {
    let folded = folded(text).replace('#', "号");
    let mut words = words(&with_digits(&folded));
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
        *word = short.replace("号楼", "栋").replace(['幢', '座'], "栋");
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

/// Chinese numerals before a unit as digits: 十二栋 as 12栋.
fn with_digits(text: &str) -> String {
    let mut digits = String::with_capacity(text.len());
    let mut numeral = String::new();
    for character in text.chars().chain(['\0']) {
        if "〇零一二三四五六七八九十百".contains(character) {
            numeral.push(character);
            continue;
        }
        match number(&numeral).filter(|_| UNITS.contains(&character)) {
            Some(number) => digits.push_str(&number.to_string()),
            None => digits.push_str(&numeral),
        }
        numeral.clear();
        digits.push(character);
    }
    digits.pop();
    digits
}

/// 一百零二 as well as 五〇二; `None` where it is no number.
fn number(numeral: &str) -> Option<u32> {
    let digit =
        |character: char| "零一二三四五六七八九".chars().position(|digit| digit == character).map(|at| at as u32);
    let is_spelt = numeral.contains(['十', '百']);
    let (mut sum, mut last) = (0u32, None);
    for character in numeral.chars().map(|character| if character == '〇' { '零' } else { character }) {
        match (character, digit(character)) {
            ('百', _) => sum = sum.checked_add(last.take().unwrap_or(1) * 100)?,
            ('十', _) => sum = sum.checked_add(last.take().filter(|digit| *digit > 0).unwrap_or(1) * 10)?,
            (_, Some(digit)) if is_spelt => last = Some(digit),
            (_, Some(digit)) => sum = sum.checked_mul(10)?.checked_add(digit)?,
            _ => return None,
        }
    }
    (!numeral.is_empty()).then_some(sum + last.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numerals_are_numbers() {
        let of = |numerals: [&str; 9]| numerals.map(|numeral| number(numeral).unwrap_or(u32::MAX));
        let found = of(["一", "十", "十二", "二十", "三十五", "一百", "一百零二", "五〇二", "一百二十"]);
        assert_eq!(found, [1, 10, 12, 20, 35, 100, 102, 502, 120]);
        assert_eq!(number(""), None);
    }

    #[test]
    fn addresses_have_one_form() {
        for (text, expected) in [
            ("上海市　静安区南京西路１２３４号 五号楼 二单元 三〇一室", "上海市静安区南京西路1234号5栋2单元301室"),
            ("上海市静安区南京西路1234#5栋2单元301室", "上海市静安区南京西路1234号5栋2单元301室"),
            ("Flat 04, 12 High Street", "apt 4 12 high st"),
            ("APARTMENT 4, No. 12 HIGH ST.", "apt 4 12 high st"),
            ("三里屯路", "三里屯路"),
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
            ("华东电力 有限责任公司", "华东电力有限公司"),
            ("Dr", "dr"),
            ("!!", ""),
        ] {
            assert_eq!(name(text), expected);
        }
    }
}
