//! `[schedule]`: when things run.

use crate::config::keys;
use crate::config::reader::Reader;
use crate::config::settings::ScheduleSettings;
use crate::config::tree::Value;
use crate::config::value;
use crate::schedule::CatchUp;

pub fn schedule(root: &Reader<'_>) -> Option<ScheduleSettings> {
    const CATCH_UP: &[(&str, CatchUp)] = &[("once", CatchUp::Once), ("none", CatchUp::None)];
    let section = root.section("schedule")?;
    section.check(keys::SCHEDULE);
    let trigger = |key: &str, default: &str| section.value_or(key, Value::Text(default.into()), value::trigger);
    let (pull, push) = (trigger("pull", "5m"), trigger("push", "5m"));
    let (recompute, retention) = (trigger("recompute", "15 2 * * *"), trigger("retention", "45 3 * * *"));
    let train = trigger("train", "30 4 * * 0");
    let jitter = section.value_or("jitter", Value::Text("30s".into()), value::duration_or_none);
    let catch_up =
        section.value_or("catch_up", Value::Text("once".into()), value::choice("E006", "catch_up", CATCH_UP));
    Some(ScheduleSettings {
        pull: pull?,
        push: push?,
        recompute: recompute?,
        retention: retention?,
        train: train?,
        jitter: jitter?,
        catch_up: catch_up?,
    })
}
