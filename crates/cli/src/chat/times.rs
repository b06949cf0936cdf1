//! Times as people read them: in their own zone, today's as a clock, older ones as a date.

use anser_types::UnixMs;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::texts::{Text, Texts};

/// A time zone.
#[derive(Clone, Debug)]
pub struct LocalTimes(TimeZone);

impl LocalTimes {
    /// The zone of this machine's user (`TZ`, else the system's).
    #[must_use]
    pub fn system() -> Self {
        Self(TimeZone::system())
    }

    /// Universal time.
    #[must_use]
    pub const fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    fn zoned(&self, at: UnixMs) -> Zoned {
        let ms = i64::try_from(at.0).unwrap_or(i64::MAX);
        // A time beyond the calendar comes from a broken clock: shown as the last one there is.
        Timestamp::from_millisecond(ms).unwrap_or(Timestamp::MAX).to_zoned(self.0.clone())
    }

    /// Hours and minutes.
    #[must_use]
    pub fn clock(&self, at: UnixMs) -> String {
        let time = self.zoned(at);
        format!("{:02}:{:02}", time.hour(), time.minute())
    }

    /// Date and time with seconds, for printed lines.
    #[must_use]
    pub fn stamp(&self, at: UnixMs) -> String {
        let time = self.zoned(at);
        let (date, hour, minute, second) = (time.date(), time.hour(), time.minute(), time.second());
        format!("{date} {hour:02}:{minute:02}:{second:02}")
    }

    /// The day it was.
    #[must_use]
    pub fn day(&self, at: UnixMs) -> Date {
        self.zoned(at).date()
    }

    /// A day's name: today, yesterday, or the weekday with the date.
    #[must_use]
    pub fn day_name(&self, day: Date, now: UnixMs, texts: Texts) -> String {
        let today = self.day(now);
        if day == today {
            return texts.get(Text::Today).to_owned();
        }
        if today.yesterday().is_ok_and(|yesterday| day == yesterday) {
            return texts.get(Text::Yesterday).to_owned();
        }
        let weekday = texts.get(match day.weekday() {
            Weekday::Monday => Text::Monday,
            Weekday::Tuesday => Text::Tuesday,
            Weekday::Wednesday => Text::Wednesday,
            Weekday::Thursday => Text::Thursday,
            Weekday::Friday => Text::Friday,
            Weekday::Saturday => Text::Saturday,
            Weekday::Sunday => Text::Sunday,
        });
        let year = day.year().to_string();
        let (month, date) = (format!("{:02}", day.month()), format!("{:02}", day.day()));
        texts.with(Text::Date, &[weekday, &year, &month, &date])
    }

    /// A moment in few characters: the clock today, else month and day, else the year too.
    #[must_use]
    pub fn short(&self, at: UnixMs, now: UnixMs) -> String {
        let (day, today) = (self.day(at), self.day(now));
        if day == today {
            self.clock(at)
        } else if day.year() == today.year() {
            format!("{:02}-{:02}", day.month(), day.day())
        } else {
            format!("{}-{:02}-{:02}", day.year(), day.month(), day.day())
        }
    }
}
