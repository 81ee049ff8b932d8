//! Schedules as calendars.
