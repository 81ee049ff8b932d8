//! Hours as OpenStreetMap writes them, as the commands and pages take them.

use msap_shared::document::register::FieldError;
use msap_shared::io::hours;
pub use msap_shared::io::hours::Read;

/// Reads a text.
///
/// # Errors
/// When no rules say what it says; the error names the place in it.
pub fn read(text: &str) -> Result<Read, FieldError> {
    hours::read(text).map_err(|error| FieldError::new("osm", error.to_string()))
}
