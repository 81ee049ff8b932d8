//! Codes and days as lists write them.

use msap_shared::time::Day;

/// A code of digits from which a spreadsheet has cut the leading zero.
pub(super) fn code(text: &str, len: usize) -> String {
    let text = text.trim().to_uppercase();
    let cut = text.len() + 1 == len && text.bytes().all(|byte| byte.is_ascii_digit());
    if cut { format!("0{text}") } else { text }
}

pub(super) fn is_insee(code: &str) -> bool {
    let bytes = code.as_bytes();
    let letter = |at: usize, byte: &u8| at == 1 && matches!(byte, b'A' | b'B');
    bytes.len() == 5 && bytes.iter().enumerate().all(|(at, byte)| byte.is_ascii_digit() || letter(at, byte))
}

/// The department that a commune's code names: overseas, its first three characters.
pub(super) fn insee_department(insee: &str) -> String {
    let len = if insee.starts_with("97") || insee.starts_with("98") { 3 } else { 2 };
    insee.chars().take(len).collect()
}

/// `Espace labellisé 01/02/2020`, `01/02/2020` or `2020-02-01`.
pub(super) fn label_day(text: &str) -> Option<Day> {
    let date = text.split_whitespace().next_back()?;
    if let Ok(day) = date.parse() {
        return Some(day);
    }
    let mut parts = date.split('/').map(|part| part.parse::<i16>().ok());
    let (day, month, year) = (parts.next()??, parts.next()??, parts.next()??);
    let rest = parts.next();
    rest.is_none().then(|| Day::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_days_come_in_three_shapes() {
        for (text, expected) in [
            ("Espace labellisé 01/02/2020", Some("2020-02-01")),
            ("15/01/2021", Some("2021-01-15")),
            ("2020-02-01", Some("2020-02-01")),
            ("", None),
            ("Espace labellisé", None),
            ("31/02/2020", None),
            ("1/2/3/4", None),
            ("32767/32767/32767", None),
        ] {
            assert_eq!(label_day(text).map(|day| day.to_string()).as_deref(), expected, "{text:?}");
        }
    }

    #[test]
    fn codes_get_back_the_zero_that_a_spreadsheet_cuts() {
        for (text, len, expected) in
            [("1", 2, "01"), ("01", 2, "01"), ("2a", 2, "2A"), ("974", 2, "974"), ("1033", 5, "01033"), ("x", 2, "X")]
        {
            assert_eq!(code(text, len), expected);
        }
        for (insee, department) in [("49092", "49"), ("2A004", "2A"), ("97411", "974"), ("98818", "988"), ("", "")] {
            assert_eq!(insee_department(insee), department);
            assert_eq!(is_insee(insee), !insee.is_empty());
        }
        assert!(!is_insee("A1234") && !is_insee("490923") && !is_insee("4909é"));
    }
}
