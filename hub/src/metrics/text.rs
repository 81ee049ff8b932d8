//! The text format that every scraper and `promtool` read (version 0.0.4), from the OpenMetrics text that
//! the library writes: there a counter is described without its `_total`, there are units, and an end.

/// The content type.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The same metrics in the older format.
pub(super) fn of_open_metrics(open: &str) -> String {
    let mut text = String::with_capacity(open.len());
    let mut lines = open.lines().peekable();
    while let Some(line) = lines.next() {
        let described = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' '));
        let kind = lines.peek().and_then(|next| next.strip_prefix("# TYPE ")?.split_once(' '));
        match described {
            Some((name, help)) if kind == Some((name, "counter")) => {
                lines.next();
                text.push_str(&format!("# HELP {name}_total {help}\n# TYPE {name}_total counter\n"));
            }
            _ if line.starts_with("# UNIT ") || line == "# EOF" => {}
            _ => {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_described_by_the_name_they_have_and_nothing_else_changes() {
        let open = "# HELP a Turns.\n# TYPE a counter\na_total 3\n# HELP b_seconds Time.\n# TYPE b_seconds histogram\n\
                    # UNIT b_seconds seconds\nb_seconds_sum 0.5\nb_seconds_bucket{le=\"+Inf\"} 1\n# EOF\n";
        let text = "# HELP a_total Turns.\n# TYPE a_total counter\na_total 3\n# HELP b_seconds Time.\n\
                    # TYPE b_seconds histogram\nb_seconds_sum 0.5\nb_seconds_bucket{le=\"+Inf\"} 1\n";
        assert_eq!(of_open_metrics(open), text);
    }
}
