//! `/actions/watch`: who wants to be told of changes, and telling them. A hint, as at the vendor: once, and gone if nobody
//! answers.

use serde_json::{Map, Value, json};

use super::datum::{Datum, parse_stamp, stamp};
use super::deliver;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::refusal::Refusal;
use super::render::module_id;
use super::write::shown;
use super::write_api::object;
use crate::clock::{Millis, whole_second};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

const WEEK: Millis = 7 * 86_400_000;
/// What a channel gets that asked for no time, or for too much.
const HOUR: Millis = 3_600_000;
const LONGEST_TOKEN: usize = 50;
const MOST_CHANNELS: usize = 100;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Create,
    Edit,
    Delete,
}

impl Event {
    fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Edit => "edit",
            Self::Delete => "delete",
        }
    }

    /// The word of a notification, which is not the word of the subscription.
    fn operation(self) -> &'static str {
        match self {
            Self::Create => "insert",
            Self::Edit => "update",
            Self::Delete => "delete",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Channel {
    id: u64,
    /// Module and event; none for all of them.
    events: Vec<(Kind, Option<Event>)>,
    ends: Millis,
    token: Option<String>,
    url: String,
    values: bool,
    /// Fields that must be among the changed ones, per module.
    only: Vec<(Kind, Vec<String>)>,
}

impl Org {
    pub fn watch(&mut self, core: &Core, call: &Call) -> Result<Reply, Refusal> {
        self.channels.retain(|channel| channel.ends > core.now);
        match call.method.as_str() {
            "GET" => {
                let wanted = call.parameter("channel_id").filter(|id| !id.is_empty());
                let module = call.parameter("module").filter(|name| !name.is_empty());
                let shown = self.channels.iter().filter(|channel| {
                    wanted.as_ref().is_none_or(|id| channel.id.to_string() == *id)
                        && module.as_ref().is_none_or(|name| channel.events.iter().any(|(kind, _)| kind.name() == name))
                });
                let all: Vec<Value> = shown.flat_map(|channel| self.channel_json(core, channel)).collect();
                if all.is_empty() {
                    return Ok(Reply::empty(204));
                }
                let info = json!({ "per_page": 200, "count": all.len(), "page": 1, "more_records": false });
                Ok(Reply::json(200, &json!({ "watch": all, "info": info })))
            }
            "POST" | "PUT" | "PATCH" => self.subscribe(core, call),
            "DELETE" => {
                let ids = call.list("channel_ids");
                if ids.is_empty() {
                    return Err(Refusal::missing_param("channel_ids"));
                }
                let results = ids.iter().map(|id| {
                    let at = self.channels.iter().position(|channel| channel.id.to_string() == *id);
                    let missing = || not_subscribed(id);
                    at.map(|at| self.channels.remove(at)).ok_or_else(missing).map(|channel| {
                        let details =
                            json!({ "resource_uri": null, "resource_id": null, "channel_id": channel.id.to_string() });
                        done(&details, "Successfully unsubscribed from actions-watch of the given module")
                    })
                });
                let results: Vec<Result<Value, Refusal>> = results.collect();
                Ok(answer(results, 200))
            }
            _ => Err(Refusal::wrong_method()),
        }
    }

    fn subscribe(&mut self, core: &Core, call: &Call) -> Result<Reply, Refusal> {
        let body = object(call)?;
        let Some(Value::Array(rows)) = body.get("watch") else { return Err(Refusal::missing_key("watch")) };
        let method = call.method.as_str();
        let mut results = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let path = format!("$.watch[{at}]");
            let empty = Map::new();
            let row = row.as_object().unwrap_or(&empty);
            let id = row.get("channel_id").and_then(ids::from_json);
            let known = id.and_then(|id| self.channels.iter().find(|channel| channel.id == id)).cloned();
            let made = match (method, known) {
                ("POST", _) => channel(core, row, &path, None),
                (_, None) => Err(not_subscribed(&id.unwrap_or(0).to_string())),
                ("PATCH", Some(known)) => channel(core, row, &path, Some(known)),
                (_, Some(_)) => channel(core, row, &path, None),
            };
            let made = made.and_then(|channel| {
                self.channels.retain(|each| each.id != channel.id);
                if self.channels.len() >= MOST_CHANNELS {
                    return Err(Refusal::new(400, "LIMIT_REACHED", "too many channels").with("limit", MOST_CHANNELS));
                }
                let events = self.channel_json(core, &channel);
                self.channels.push(channel);
                Ok(done(&json!({ "events": events }), "Successfully subscribed for actions-watch of the given module"))
            });
            results.push(made);
        }
        Ok(answer(results, if method == "POST" { 201 } else { 200 }))
    }

    fn channel_json(&self, core: &Core, channel: &Channel) -> Vec<Value> {
        let mut kinds: Vec<Kind> = channel.events.iter().map(|(kind, _)| *kind).collect();
        kinds.dedup();
        kinds
            .into_iter()
            .map(|kind| {
                let events: Vec<String> = channel
                    .events
                    .iter()
                    .filter(|(each, _)| *each == kind)
                    .map(|(_, event)| format!("{}.{}", kind.name(), event.map_or("all", Event::name)))
                    .collect();
                json!({
                    "channel_expiry": stamp(whole_second(channel.ends), self.knobs.offset_min),
                    "resource_uri": format!("{}/crm/v8/{}", core.base_url, kind.name()),
                    "resource_id": module_id(kind).to_string(),
                    "resource_name": kind.name(),
                    "channel_id": channel.id.to_string(),
                    "events": events,
                    "notify_url": channel.url,
                    "token": channel.token,
                })
            })
            .collect()
    }

    /// Tells everybody who watches of one changed record.
    pub fn notify(&self, core: &Core, (kind, id): (Kind, u64), event: Event, written: &[(String, Datum)]) {
        for channel in self.channels.iter().filter(|channel| channel.ends > core.now) {
            let wants =
                channel.events.iter().any(|(each, wanted)| *each == kind && wanted.is_none_or(|each| each == event));
            let selected = channel.only.iter().find(|(each, _)| *each == kind).is_none_or(|(_, fields)| {
                event != Event::Edit || written.iter().any(|(name, _)| fields.contains(name))
            });
            if !wants || !selected {
                continue;
            }
            let fields: Vec<&str> = written.iter().map(|(name, _)| name.as_str()).collect();
            let mut body = json!({
                "server_time": core.now, "query_params": {}, "module": kind.name(),
                "resource_uri": format!("{}/crm/v8/{}", core.base_url, kind.name()),
                "ids": [id.to_string()], "affected_fields": [{ id.to_string(): fields }],
                "operation": event.operation(), "channel_id": channel.id.to_string(), "token": channel.token,
            });
            if channel.values {
                let values: Map<String, Value> =
                    written.iter().map(|(name, datum)| (name.clone(), shown(datum))).collect();
                body["affected_values"] = json!([{ "record_id": id.to_string(), "values": values }]);
            }
            deliver::post(&channel.url, &body);
        }
    }
}

/// A channel as a row describes it; what it leaves out stays as it was in `known`.
fn channel(core: &Core, row: &Map<String, Value>, path: &str, known: Option<Channel>) -> Result<Channel, Refusal> {
    let at = |code: &'static str, message: &str, key: &str| {
        Refusal::new(400, code, message).with("api_name", key).with("json_path", format!("{path}.{key}"))
    };
    let missing = |key: &str| at("EXPECTED_FIELD_MISSING", "the expected field is missing", key);
    let id = row.get("channel_id").and_then(ids::from_json).ok_or_else(|| missing("channel_id"))?;
    let events = match row.get("events").and_then(Value::as_array) {
        Some(names) => names
            .iter()
            .map(|name| name.as_str().and_then(event).ok_or_else(|| at("INVALID_DATA", "invalid data", "events")))
            .collect::<Result<Vec<_>, _>>()?,
        None => known.as_ref().map(|known| known.events.clone()).unwrap_or_default(),
    };
    let url = row.get("notify_url").and_then(Value::as_str).map(str::to_owned);
    let url = url.or_else(|| known.as_ref().map(|known| known.url.clone())).ok_or_else(|| missing("notify_url"))?;
    if events.is_empty() {
        return Err(missing("events"));
    }
    let token = row.get("token").and_then(Value::as_str).map(str::to_owned);
    if token.as_ref().is_some_and(|token| token.chars().count() > LONGEST_TOKEN) {
        return Err(at("INVALID_DATA", "invalid data", "token").with("maximum_length", LONGEST_TOKEN));
    }
    // Nothing said, or too much: an hour, and nobody is told.
    let asked = row.get("channel_expiry").and_then(Value::as_str).and_then(parse_stamp);
    let granted = asked.filter(|at| *at > core.now && *at - core.now <= WEEK);
    let kept = known.as_ref().map(|known| known.ends).filter(|_| !row.contains_key("channel_expiry"));
    let ends = granted.or(kept).unwrap_or(core.now + HOUR);
    let values = row.get("return_affected_field_values").and_then(Value::as_bool);
    let only = row.get("notification_condition").and_then(Value::as_array).map(|conditions| selections(conditions));
    let before = known.as_ref();
    Ok(Channel {
        id,
        events,
        ends,
        token: token.or_else(|| before.and_then(|known| known.token.clone())),
        url,
        values: values.or(before.map(|known| known.values)).unwrap_or(false),
        only: only.or_else(|| before.map(|known| known.only.clone())).unwrap_or_default(),
    })
}

/// `Contacts.edit`.
fn event(name: &str) -> Option<(Kind, Option<Event>)> {
    let (module, event) = name.split_once('.')?;
    let event = match event {
        "create" => Some(Event::Create),
        "edit" => Some(Event::Edit),
        "delete" => Some(Event::Delete),
        "all" => None,
        _ => return None,
    };
    Some((Kind::parse(module)?, event))
}

/// The fields of `field_selection` conditions, per module; groups are taken as one list.
fn selections(conditions: &[Value]) -> Vec<(Kind, Vec<String>)> {
    let one = |condition: &Value| {
        let kind = Kind::parse(condition["module"]["api_name"].as_str()?)?;
        let selection = &condition["field_selection"];
        let group = selection["group"].as_array().cloned().unwrap_or_else(|| vec![selection["field"].clone()]);
        let names = group.iter().filter_map(|field| {
            field["api_name"].as_str().or_else(|| field["field"]["api_name"].as_str()).map(str::to_owned)
        });
        Some((kind, names.collect()))
    };
    conditions.iter().filter_map(one).collect()
}

fn not_subscribed(id: &str) -> Refusal {
    Refusal::new(400, "NOT_SUBSCRIBED", "the channel is not subscribed").with("channel_id", id)
}

fn done(details: &Value, message: &str) -> Value {
    json!({ "code": "SUCCESS", "details": details, "message": message, "status": "success" })
}

fn answer(results: Vec<Result<Value, Refusal>>, all_well: u16) -> Reply {
    let failed = results.iter().filter(|result| result.is_err()).count();
    let status = match failed {
        0 => all_well,
        _ if failed < results.len() => 207,
        _ => 400,
    };
    let rows: Vec<Value> = results.into_iter().map(|result| result.unwrap_or_else(|refusal| refusal.json())).collect();
    Reply::json(status, &json!({ "watch": rows }))
}
