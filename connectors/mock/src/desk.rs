//! The desk every request passes: control plane, pages, faults, then the vendor's face. One lock, no waiting inside:
//! what the network sees (delays, cuts) is returned as a [`Delivery`] and done outside.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::chance;
use crate::clock::{Clock, Millis, http_date, iso, parse_iso};
use crate::exchange::{Call, Reply};
use crate::fault::{Fault, Faults, Planned};
use crate::ledger::{By, Change, Ledger, RequestLog};
use crate::options::{Options, StartError};

/// What all mocks share, whatever vendor they play.
pub struct Core {
    pub clock: Clock,
    pub seed: u64,
    pub faults: Faults,
    pub rate_limits: bool,
    pub search_lag_ms: u64,
    pub ledger: Ledger,
    pub requests: RequestLog,
    /// The instant of the request being answered.
    pub now: Millis,
    /// Its number in the request log; none for the control plane and the pages.
    pub request: Option<u64>,
    /// Requests on their way when this one came, itself included.
    pub in_flight: usize,
    /// A batch fault the face must act out while it applies the request.
    pub batch_fault: Option<Fault>,
    /// `http://127.0.0.1:PORT`, for links in answers.
    pub base_url: String,
    /// Where the fault `elsewhere` sends callers who follow redirects.
    pub elsewhere: String,
}

impl Core {
    pub fn new(options: &Options, base_url: String) -> Result<Self, StartError> {
        let faults = match &options.chaos {
            Some(spec) => Faults::parse_chaos(spec).map_err(StartError::Chaos)?,
            None => Faults::default(),
        };
        let clock = Clock::default();
        let now = clock.now();
        Ok(Self {
            clock,
            seed: options.seed,
            faults,
            rate_limits: true,
            search_lag_ms: 2_000,
            ledger: Ledger::default(),
            requests: RequestLog::default(),
            now,
            request: None,
            in_flight: 0,
            batch_fault: None,
            base_url,
            elsewhere: "http://127.0.0.1:9/".into(),
        })
    }

    /// The instant so many milliseconds from now.
    pub fn after(&self, ms: u64) -> Millis {
        self.now.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// Writes the ledger line of a change made now.
    pub fn log(&mut self, change: Change<'_>) {
        self.ledger.record(self.now, self.request, change);
    }

    pub fn correlation_id(&self) -> String {
        chance::uuid(self.seed, 0xc0de, self.request.unwrap_or(0))
    }

    /// Whether the API, rather than a person, is acting.
    pub fn by(&self) -> By {
        if self.request.is_some() { By::Api } else { By::Rep }
    }

    fn config(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("seed".into(), json!(self.seed));
        out.insert("faults".into(), json!(self.faults.numbers()));
        out.insert("plan".into(), json!(self.faults.plan));
        out.insert("rate_limits".into(), json!(self.rate_limits));
        out.insert("search_lag_ms".into(), json!(self.search_lag_ms));
        out.insert("elsewhere".into(), json!(self.elsewhere));
        out.insert("clock_offset_s".into(), json!(self.clock.offset_ms / 1000));
        out.insert("frozen_at".into(), json!(self.clock.frozen_at.map(iso)));
        out
    }

    /// Takes its own keys out of `patch`; what is left is the face's.
    fn configure(&mut self, patch: &mut Map<String, Value>) -> Result<(), String> {
        if let Some(value) = patch.remove("seed") {
            self.seed = value.as_u64().ok_or("seed must be a whole number")?;
        }
        if let Some(value) = patch.remove("faults") {
            let numbers: BTreeMap<String, f64> =
                serde_json::from_value(value).map_err(|e| format!("faults must be an object of numbers: {e}"))?;
            let plan = self.faults.plan.clone();
            self.faults = Faults::from_numbers(&numbers)?;
            self.faults.plan = plan;
        }
        if let Some(value) = patch.remove("plan") {
            let plan: Vec<Planned> = serde_json::from_value(value)
                .map_err(|e| format!("plan must be a list of {{method, path, nth, times, fault}}: {e}"))?;
            if let Some(entry) = plan.iter().find(|entry| Fault::parse(&entry.fault).is_none()) {
                return Err(format!("unknown fault `{}` in plan", entry.fault));
            }
            self.faults.plan = plan;
        }
        if let Some(value) = patch.remove("rate_limits") {
            self.rate_limits = value.as_bool().ok_or("rate_limits must be true or false")?;
        }
        if let Some(value) = patch.remove("search_lag_ms") {
            self.search_lag_ms = value.as_u64().ok_or("search_lag_ms must be a whole number of milliseconds")?;
        }
        if let Some(value) = patch.remove("elsewhere") {
            self.elsewhere = value.as_str().ok_or("elsewhere must be a URL")?.to_owned();
        }
        if let Some(value) = patch.remove("clock_offset_s") {
            let seconds = value.as_i64().ok_or("clock_offset_s must be a whole number of seconds")?;
            self.clock.offset_ms = seconds.saturating_mul(1000);
        }
        if let Some(value) = patch.remove("frozen_at") {
            self.clock.frozen_at = match value {
                Value::Null => None,
                Value::String(text) => Some(parse_iso(&text).ok_or("frozen_at must be an RFC 3339 instant or null")?),
                _ => return Err("frozen_at must be an RFC 3339 instant or null".into()),
            };
        }
        Ok(())
    }
}

/// One vendor's face: wire format, rules and records.
pub trait Face: Send + 'static {
    /// Whether bodies may come and go gzipped, as the callers' headers say.
    const GZIP: bool = false;
    /// Bodies above this are refused with 413.
    const LARGEST_BODY: usize = 16 * 1024 * 1024;

    /// Answers an API call, applying what it asks for.
    fn answer(&mut self, core: &mut Core, call: &Call) -> Reply;
    /// The vendor's body for a fault that stands in for the answer.
    fn fail(&self, core: &Core, call: &Call, fault: Fault) -> Reply;
    /// Request headers worth a look in the request log, in lower case: those that change what a write does.
    fn noted_headers(&self) -> &'static [&'static str] {
        &[]
    }
    /// A page for people, when the path is one.
    fn page(&mut self, core: &mut Core, call: &Call) -> Option<Reply>;
    /// A person's action in the CRM (`edit`, `merge`, …); the error says what was wrong with the request.
    fn act(&mut self, core: &mut Core, action: &str, body: &Value) -> Result<Value, String>;
    /// The face's own knobs.
    fn config(&self) -> Map<String, Value>;
    fn configure(&mut self, core: &mut Core, patch: Map<String, Value>) -> Result<(), String>;
    /// Back to the first record, `options` perhaps changed by the reset.
    fn reset(&mut self, core: &mut Core, options: &Options) -> Result<(), StartError>;
}

/// How an answer reaches the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    Whole,
    /// Half the body, then the connection closes.
    Half,
    /// Nothing: the connection is reset.
    Cut,
}

pub struct Verdict {
    pub reply: Reply,
    pub delivery: Delivery,
    pub delay_ms: u64,
}

impl Verdict {
    fn plain(reply: Reply) -> Self {
        Self { reply, delivery: Delivery::Whole, delay_ms: 0 }
    }
}

pub struct Desk<F> {
    pub core: Core,
    pub face: F,
    options: Options,
}

impl<F: Face> Desk<F> {
    pub fn new(mut core: Core, mut face: F, options: Options) -> Result<Self, StartError> {
        apply_config(&mut core, &mut face, options.config.clone()).map_err(StartError::Config)?;
        Ok(Self { core, face, options })
    }

    pub fn answer(&mut self, call: &Call) -> Verdict {
        self.core.now = self.core.clock.now();
        self.core.request = None;
        self.core.batch_fault = None;
        if let Some(what) = call.path.strip_prefix("/__mock/") {
            return Verdict::plain(self.control(what.trim_end_matches('/'), call));
        }
        if let Some(page) = self.face.page(&mut self.core, call) {
            return Verdict::plain(page);
        }
        let core = &mut self.core;
        let method = call.method.as_str();
        let noted = call.noted(self.face.noted_headers());
        let seq = core.requests.open(core.now, method, (&call.path, &call.query), noted);
        core.request = Some(seq);
        let fault = core.faults.draw(core.seed, seq, method, &call.path);
        let mut verdict = self.act_out(call, fault);
        // A vendor's answers carry its own clock, also where it is not the machine's.
        verdict.reply.headers.push(("date", http_date(self.core.now)));
        let status = (verdict.delivery != Delivery::Cut).then_some(verdict.reply.status);
        self.core.requests.close(seq, status, fault.map(Fault::name).as_deref());
        verdict
    }

    fn act_out(&mut self, call: &Call, fault: Option<Fault>) -> Verdict {
        let (core, face) = (&mut self.core, &mut self.face);
        let mut delay_ms = core.faults.delay_ms;
        let mut delivery = Delivery::Whole;
        let reply = match fault {
            None => face.answer(core, call),
            Some(Fault::ResetBefore) => {
                delivery = Delivery::Cut;
                Reply::empty(200)
            }
            Some(Fault::ResetAfter) => {
                delivery = Delivery::Cut;
                face.answer(core, call)
            }
            Some(Fault::ErrorAfter) => {
                face.answer(core, call);
                face.fail(core, call, Fault::Status(500))
            }
            Some(Fault::Slow) => {
                delay_ms += core.faults.slow_ms();
                face.answer(core, call)
            }
            Some(Fault::Truncate) => {
                let reply = face.answer(core, call);
                // An answer without a body breaks off before it has said so.
                delivery = if reply.body.is_empty() { Delivery::Cut } else { Delivery::Half };
                reply
            }
            Some(Fault::TruncateJson) => {
                let mut reply = face.answer(core, call);
                reply.body.truncate(reply.body.len() / 2);
                reply
            }
            Some(Fault::ContentType) => Reply { content_type: "text/plain", ..face.answer(core, call) },
            Some(Fault::Elsewhere) => Reply::empty(307).with("location", core.elsewhere.clone()),
            Some(batch @ (Fault::Partial | Fault::OmitRow)) => {
                core.batch_fault = Some(batch);
                face.answer(core, call)
            }
            Some(refusal) => face.fail(core, call, refusal),
        };
        Verdict { reply, delivery, delay_ms }
    }

    /// `/__mock/…`: the levers of whoever runs the mock.
    fn control(&mut self, what: &str, call: &Call) -> Reply {
        let since = call.parameter("since").and_then(|text| text.parse().ok()).unwrap_or(0);
        match (call.method.as_str(), what) {
            ("GET", "ledger") => Reply::lines(self.core.ledger.since(since)),
            ("GET", "requests") => Reply::lines(self.core.requests.since(since)),
            ("GET", "config") => Reply::json(200, &Value::Object(self.whole_config())),
            ("PUT", "config") => match object(call) {
                Ok(patch) => match apply_config(&mut self.core, &mut self.face, patch) {
                    Ok(()) => Reply::json(200, &Value::Object(self.whole_config())),
                    Err(why) => refused(400, &why),
                },
                Err(why) => refused(400, &why),
            },
            ("POST", "reset") => match object(call).and_then(|body| self.reset(&body)) {
                Ok(()) => Reply::json(200, &Value::Object(self.whole_config())),
                Err(why) => refused(400, &why),
            },
            ("POST", action) => match object(call) {
                Ok(body) => match self.face.act(&mut self.core, action, &Value::Object(body)) {
                    Ok(answer) => Reply::json(200, &answer),
                    Err(why) => refused(400, &why),
                },
                Err(why) => refused(400, &why),
            },
            _ => refused(404, "the control plane has GET ledger, requests, config; PUT config; POST reset and actions"),
        }
    }

    fn whole_config(&self) -> Map<String, Value> {
        let mut all = self.core.config();
        all.extend(self.face.config());
        all
    }

    /// Everything as at the start. The body may give another `seed` or `records`.
    fn reset(&mut self, body: &Map<String, Value>) -> Result<(), String> {
        let mut options = self.options.clone();
        for (key, value) in body {
            let number = value.as_u64().ok_or_else(|| format!("{key} must be a whole number"))?;
            match key.as_str() {
                "seed" => options.seed = number,
                "records" => options.records = Some(number),
                _ => return Err(format!("unknown key `{key}`: a reset takes seed and records")),
            }
        }
        let mut core = Core::new(&options, self.core.base_url.clone()).map_err(|e| e.to_string())?;
        self.face.reset(&mut core, &options).map_err(|e| e.to_string())?;
        apply_config(&mut core, &mut self.face, options.config)?;
        self.core = core;
        Ok(())
    }
}

fn apply_config<F: Face>(core: &mut Core, face: &mut F, mut patch: Map<String, Value>) -> Result<(), String> {
    core.configure(&mut patch)?;
    face.configure(core, patch)
}

/// The body as a JSON object; an empty body is an empty object.
fn object(call: &Call) -> Result<Map<String, Value>, String> {
    if call.body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(body)) => Ok(body),
        Ok(_) => Err("the body must be a JSON object".into()),
        Err(why) => Err(format!("the body is not JSON: {why}")),
    }
}

fn refused(status: u16, why: &str) -> Reply {
    Reply::json(status, &json!({ "error": why }))
}
