//! `[schedule]`: when things run.

use crate::config::keys;
use crate::config::reader::Reader;
use crate::config::settings::{CatchUp, ScheduleSettings};
use crate::config::tree::Value;
use crate::config::value;

pub fn schedule(root: &Reader<'_>) -> Option<ScheduleSettings> {
    const CATCH_UP: &[(&str, CatchUp)] = &[("once", CatchUp::Once), ("none", CatchUp::None)];
    let section = root.section("schedule")?;
    section.check(keys::SCHEDULE);
    let jitter = section.value_or("jitter", Value::Text("30s".into()), value::duration);
    let catch_up =
        section.value_or("catch_up", Value::Text("once".into()), value::choice("E006", "catch_up", CATCH_UP));
    Some(ScheduleSettings { jitter: jitter?, catch_up: catch_up? })
}
