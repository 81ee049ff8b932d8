//! From the bytes of a file to text, and the character that separates its fields.
//!
//! Called where the file is read. Spreadsheets write lists in UTF-8, with or without a mark, in
//! Windows' Latin alphabet or in UTF-16, with commas, semicolons or tabs.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

/// The text of these bytes, and the name of its encoding.
///
/// A file that is nearly UTF-8 is UTF-8 with damage: each unreadable byte becomes U+FFFD, and the
/// import names the rows where that stands. Read as Latin, it would go in garbled from top to end.
pub(crate) fn decode(bytes: &[u8]) -> (String, &'static str) {
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(mark..).unwrap_or_default();
        return (encoding.decode_without_bom_handling(rest).0.into_owned(), encoding.name());
    }
    let text = UTF_8.decode_without_bom_handling(bytes).0;
    let foreign = |c: &char| *c == char::REPLACEMENT_CHARACTER;
    let (damaged, accented) = text.chars().filter(|c| !c.is_ascii()).fold((0_u64, 0_u64), |(damaged, accented), c| {
        if foreign(&c) { (damaged + 1, accented) } else { (damaged, accented + 1) }
    });
    if damaged <= accented {
        return (text.into_owned(), UTF_8.name());
    }
    (WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(), WINDOWS_1252.name())
}

/// What separates the fields: whichever stands most often in the first line, outside quotes.
pub(crate) fn delimiter(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default();
    let mut quoted = false;
    let mut counts = [(b',', 0_u32), (b';', 0), (b'\t', 0)];
    for byte in line.bytes() {
        quoted ^= byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| *delimiter == byte && !quoted) {
            *count += 1;
        }
    }
    // The first of equals, so that a line with none of them is read with commas.
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_of_writing_a_list_gives_the_same_text() {
        let text = "id_fs;lib_fs\r\n1;Cœur – Chemillé\r\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for (bytes, encoding) in [
            (text.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), "UTF-8"),
            (b"id_fs;lib_fs\r\n1;C\x9cur \x96 Chemill\xe9\r\n".to_vec(), "windows-1252"),
            ([&[0xff, 0xfe], utf16.as_slice()].concat(), "UTF-16LE"),
        ] {
            assert_eq!(decode(&bytes), (text.to_owned(), encoding));
        }
        // One bad byte among good ones is damage, not another alphabet.
        let damaged = b"1,Chemill\xe9\n2,Orl\xc3\xa9ans\n3,Alen\xc3\xa7on\n";
        assert_eq!(decode(damaged), ("1,Chemill\u{fffd}\n2,Orléans\n3,Alençon\n".to_owned(), "UTF-8"));
        assert_eq!(decode(b""), (String::new(), "UTF-8"));
    }

    #[test]
    fn the_separator_is_read_off_the_header() {
        for (text, expected) in
            [("a,b,c\n1;2;3;4;5", b','), ("\"a,1\";\"b,2,3\"\n", b';'), ("a\tb\n", b'\t'), ("a", b','), ("", b',')]
        {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
    }
}
