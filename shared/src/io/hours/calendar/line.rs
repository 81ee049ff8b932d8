//! The lines of an iCalendar: escaped, folded, ended as RFC 5545 wants them.

/// Longest line, in bytes, without its end.
const LINE_LEN_MAX: usize = 75;

/// A calendar as it is written.
#[derive(Debug, Default)]
pub(super) struct Lines(String);

impl Lines {
    /// A calendar's first lines.
    pub(super) fn begin(name: &str) -> Self {
        let mut lines = Self::default();
        lines.open("VCALENDAR");
        lines.raw("VERSION", "2.0");
        lines.raw("PRODID", "-//MSAP//horaires//FR");
        lines.raw("CALSCALE", "GREGORIAN");
        lines.raw("METHOD", "PUBLISH");
        lines.text("NAME", name);
        lines.text("X-WR-CALNAME", name);
        lines
    }

    /// The whole calendar.
    pub(super) fn end(mut self) -> String {
        self.close("VCALENDAR");
        self.0
    }

    pub(super) fn open(&mut self, component: &str) {
        self.raw("BEGIN", component);
    }

    pub(super) fn close(&mut self, component: &str) {
        self.raw("END", component);
    }

    /// A property whose value is a text.
    pub(super) fn text(&mut self, name: &str, value: &str) {
        let mut escaped = String::with_capacity(value.len());
        for character in value.chars() {
            match character {
                '\\' | ';' | ',' => escaped.extend(['\\', character]),
                '\n' => escaped.push_str("\\n"),
                other if other.is_control() => {}
                other => escaped.push(other),
            }
        }
        self.raw(name, &escaped);
    }

    /// A property whose value is of another type, and known to need no escapes.
    pub(super) fn raw(&mut self, name: &str, value: &str) {
        let mut length = 0;
        for character in name.chars().chain([':']).chain(value.chars()) {
            if length + character.len_utf8() > LINE_LEN_MAX {
                self.0.push_str("\r\n ");
                length = 1;
            }
            self.0.push(character);
            length += character.len_utf8();
        }
        self.0.push_str("\r\n");
    }

    pub(super) fn append(&mut self, other: Self) {
        self.0.push_str(&other.0);
    }
}
