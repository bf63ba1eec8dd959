//! What an event means for each rule, found once on arrival: facts.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use rust_decimal::Decimal;
use xxhash_rust::xxh3::xxh3_64;

use crate::enrich::commerce;
use crate::enrich::health;
use crate::enrich::mail::{self, Mail};
use crate::enrich::preset_traits::PATH;
use crate::enrich::semantic::{is_sign_of_life, normal_event_name};
use crate::enrich::session;
use crate::enrich::spec::{EventMatch, Property};
use crate::enrich::topics::TopicMap;
use crate::enrich::touch::Touch;
use crate::enrich::trait_spec::Amount;
use crate::expr::{EventInput, Json};
use crate::model::{Event, EventKind, Fact, RuleId};

/// Changes when the code would match or keep something else for the same configuration: old facts are then matched again.
const FORM: &str = "3";

/// Most characters of a property's text that are kept.
const MAX_KEPT: usize = 255;

/// What a rule keeps of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Keeps {
    /// That it matched. `number` is 0.
    Match,
    /// A property's text; `number` is a hash of the message id, which breaks ties of time.
    Text(Property),
    /// A property's number, as exact text.
    Number(Property),
    /// An amount and the currency it is in.
    Money(Amount),
    /// What happened to an order ([`commerce::order_of`]); the flag: with what was bought.
    Order(bool),
    /// What happened to a cart ([`commerce::cart_of`]).
    Cart,
    /// A look at a product ([`commerce::look_of`]).
    Look,
    /// Topics of a page or event.
    Topics(Arc<TopicMap>),
    /// What became of an address, by its place in [`mail::MAIL_STATUS`].
    MailStatus,
    /// An opened or closed ticket ([`health::keep_ticket`]).
    Ticket,
    /// A step of a session ([`session::Step`]).
    Step,
    /// Where a session came from ([`Touch`]); `number` is a hash of the message id, which breaks ties of time.
    Touch,
    /// A delivery, open or click of mail ([`Mail`]), from which machines are told.
    Mail,
    /// That the person was there, where no step says so.
    Seen,
}

#[derive(Clone, Debug)]
pub(super) struct Matcher {
    pub id: RuleId,
    kinds: u8,
    /// Normalised names of track events.
    names: Vec<String>,
    on: Option<EventMatch>,
    keeps: Keeps,
}

impl Matcher {
    pub(super) fn new(on: Option<&EventMatch>, keeps: Keeps, own_domains: &[Arc<str>]) -> Self {
        let (mut kinds, mut names) = (0, Vec::new());
        for event in on.iter().flat_map(|on| &on.events) {
            match normal_event_name(event).as_str() {
                "page" => kinds |= bit(EventKind::Page),
                "screen" => kinds |= bit(EventKind::Screen),
                "identify" => kinds |= bit(EventKind::Identify),
                "group" => kinds |= bit(EventKind::Group),
                "alias" => kinds |= bit(EventKind::Alias),
                name => names.push(name.to_owned()),
            }
        }
        names.sort_unstable();
        names.dedup();
        if on.is_none() {
            kinds = u8::MAX;
        }
        let condition = on.and_then(|on| on.condition.as_ref()).map(|condition| condition.text());
        let domains: &[Arc<str>] = if keeps == Keeps::Touch { own_domains } else { &[] };
        let decides = format!("{FORM}\n{keeps:?}\n{kinds}\n{names:?}\n{condition:?}\n{domains:?}");
        let id = RuleId(i64::from_ne_bytes(xxh3_64(decides.as_bytes()).to_ne_bytes()));
        Self { id, kinds, names, on: on.cloned(), keeps }
    }

    /// Whether opens or clicks of mail may mean something to it.
    pub(super) fn is_about_mail(&self) -> bool {
        self.on.is_none() || mail::EVENTS.iter().any(|name| self.names.iter().any(|have| have == name))
    }

    /// Whether it names opens or clicks of mail.
    pub(super) fn names_mail(&self) -> bool {
        self.on.is_some() && self.is_about_mail()
    }

    fn is_about(&self, kind: EventKind, name: &str) -> bool {
        self.kinds & bit(kind) != 0
            || (kind == EventKind::Track && self.names.binary_search_by(|have| have.as_str().cmp(name)).is_ok())
    }

    fn keep(&self, seen: &Seen<'_>) -> Option<(i64, Option<Arc<str>>)> {
        let Seen { input, name, .. } = seen;
        match &self.keeps {
            Keeps::Match => Some((0, None)),
            Keeps::Text(property) => {
                let text = match lookup(input.body, property) {
                    Some(value) => text_of(value)?,
                    // What a page says of itself may stand in its properties, its context, or its address.
                    None if &**property == PATH => input.path()?.chars().take(MAX_KEPT).collect(),
                    None => return None,
                };
                Some((tie(input.event), Some(text.into())))
            }
            Keeps::Number(property) => {
                let number = number_of(lookup(input.body, property)?)?;
                Some((0, Some(number.normalize().to_string().into())))
            }
            Keeps::Money(amount) => {
                let number = number_of(lookup(input.body, &amount.property)?)?.normalize();
                let currency = amount.currency.as_deref().and_then(|key| text_of(lookup(input.body, key)?));
                let currency = currency.unwrap_or_default().to_ascii_uppercase();
                Some((0, Some(format!("{number}{}{currency}", commerce::SEPARATOR).into())))
            }
            Keeps::Order(items) => {
                let (step, text) = commerce::keep_order(name, input.body, tie(input.event), *items)?;
                Some((step, Some(text.into())))
            }
            Keeps::Cart => {
                let (step, text) = commerce::keep_cart(name, input.body, tie(input.event))?;
                Some((step, text.map(Into::into)))
            }
            Keeps::Look => {
                let (step, text) = commerce::keep_look(name, input.body)?;
                Some((step, Some(text.into())))
            }
            Keeps::Topics(topics) => Some((0, Some(topics.keep(input)?.into()))),
            Keeps::MailStatus => Some((mail::status(name)?, None)),
            Keeps::Ticket => {
                let (state, id) = health::keep_ticket(name, input.body)?;
                Some((state, Some(id.into())))
            }
            Keeps::Step => seen.step().map(|step| (step.number, step.session_id.as_deref().map(Arc::from))),
            Keeps::Touch => {
                seen.step()?;
                Touch::of_event(input, seen.own_domains).map(|touch| (tie(input.event), Some(touch.packed().into())))
            }
            Keeps::Mail => {
                let (what, text) = Mail::read(name, input.body, input.event.at, 0)?.packed();
                Some((what, Some(text.into())))
            }
            Keeps::Seen => {
                let alone = is_sign_of_life(input, name) && seen.step().is_none();
                alone.then_some((0, None))
            }
        }
    }
}

/// Which matchers an event concerns, by its kind and name: the others need not be looked at.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    /// By the bit of the kind; of tracks those that any track concerns.
    by_kind: [Vec<usize>; KINDS],
    /// Of tracks with a name that somebody asks about, those and whoever any track concerns.
    by_name: HashMap<String, Vec<usize>>,
}

const KINDS: usize = 6;

impl Index {
    /// Of matchers in this order.
    pub(super) fn new(matchers: &[Matcher]) -> Self {
        let places = |is_about: &dyn Fn(&Matcher) -> bool| -> Vec<usize> {
            matchers.iter().enumerate().filter(|(_, matcher)| is_about(matcher)).map(|(place, _)| place).collect()
        };
        let by_kind = std::array::from_fn(|kind| places(&|matcher| matcher.kinds & (1 << kind) != 0));
        let names = matchers.iter().flat_map(|matcher| &matcher.names);
        let of_name = |name: &String| places(&|matcher| matcher.is_about(EventKind::Track, name));
        Self { by_kind, by_name: names.map(|name| (name.clone(), of_name(name))).collect() }
    }

    fn of(&self, kind: EventKind, name: &str) -> &[usize] {
        let named = if kind == EventKind::Track { self.by_name.get(name) } else { None };
        let place = usize::try_from(bit(kind).trailing_zeros()).unwrap_or(KINDS);
        named.or_else(|| self.by_kind.get(place)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// An event as matchers look at it.
struct Seen<'a> {
    input: EventInput<'a>,
    name: &'a str,
    own_domains: &'a [Arc<str>],
    step: OnceCell<Option<session::Step>>,
}

impl Seen<'_> {
    /// The step it makes in a session: several ask.
    fn step(&self) -> Option<&session::Step> {
        self.step.get_or_init(|| session::step(&self.input, self.name)).as_ref()
    }
}

fn tie(event: &Event) -> i64 {
    i64::from_ne_bytes(xxh3_64(event.message_id.as_bytes()).to_ne_bytes())
}

/// Facts of an event for all matchers. Events of crawlers mean nothing, nor do opens that show by themselves to be a mail
/// client's. `body`: the event's, where it has been read already.
pub(super) fn facts(
    (matchers, index): (&[Matcher], &Index),
    own_domains: &[Arc<str>],
    event: &Event,
    body: Option<&Json<'_>>,
) -> Vec<Fact> {
    if event.is_bot {
        return Vec::new();
    }
    let name = match event.kind {
        EventKind::Track => event.name.as_deref().map(normal_event_name).unwrap_or_default(),
        _ => String::new(),
    };
    let about = index.of(event.kind, &name);
    if about.is_empty() {
        return Vec::new();
    }
    let read;
    let body = match body {
        Some(body) => body,
        None => {
            // What is in the log was valid when it came in.
            let Ok(json) = Json::parse(&event.body) else { return Vec::new() };
            read = json;
            &read
        }
    };
    if name == "email opened" && mail::is_machine_agent(body) {
        return Vec::new();
    }
    let seen = Seen { input: EventInput { event, body }, name: &name, own_domains, step: OnceCell::new() };
    let mut facts = Vec::new();
    for matcher in about.iter().filter_map(|place| matchers.get(*place)) {
        let condition = matcher.on.as_ref().and_then(|on| on.condition.as_ref());
        if condition.is_some_and(|condition| !condition.holds(&seen.input)) {
            continue;
        }
        if let Some((number, text)) = matcher.keep(&seen) {
            facts.push(Fact { rule: matcher.id, event: 0, at: event.at, number, text });
        }
    }
    facts
}

fn bit(kind: EventKind) -> u8 {
    match kind {
        EventKind::Track => 1,
        EventKind::Identify => 2,
        EventKind::Page => 4,
        EventKind::Screen => 8,
        EventKind::Group => 16,
        EventKind::Alias => 32,
    }
}

/// A property by its path: in `properties` unless it names `context`, `traits` or `properties` itself.
fn lookup<'a>(body: &'a Json<'a>, property: &str) -> Option<&'a Json<'a>> {
    let mut parts = property.split('.');
    let first = parts.next()?;
    let base = if matches!(first, "properties" | "context" | "traits") {
        body.get(first)?
    } else {
        body.at(&["properties", first])?
    };
    parts.try_fold(base, |value, key| value.get(key))
}

fn text_of(value: &Json<'_>) -> Option<String> {
    let text = match value {
        Json::Text(text) => text.trim().chars().filter(|c| !c.is_control()).take(MAX_KEPT).collect(),
        Json::Bool(flag) => flag.to_string(),
        number => number.as_decimal()?.normalize().to_string(),
    };
    (!text.is_empty()).then_some(text)
}

fn number_of(value: &Json<'_>) -> Option<Decimal> {
    match value {
        Json::Text(text) => text.trim().parse().ok(),
        number => number.as_decimal(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enrich::{Model, preset};

    const ALL: [EventKind; KINDS] =
        [EventKind::Track, EventKind::Identify, EventKind::Page, EventKind::Screen, EventKind::Group, EventKind::Alias];

    #[test]
    fn the_index_names_whom_an_event_concerns_and_in_their_order() {
        for spec in [preset::b2b(), preset::ecommerce()] {
            let model = Model::new(spec);
            let (matchers, index) = (&model.matchers, &model.index);
            let asked = matchers.iter().flat_map(|matcher| &matcher.names).map(String::as_str);
            let names: Vec<&str> = asked.chain(["", "page", "something of their own"]).collect();
            assert!(names.len() > 20, "{names:?}");
            for (kind, name) in ALL.into_iter().flat_map(|kind| names.iter().map(move |name| (kind, *name))) {
                let concerned = matchers.iter().filter(|matcher| matcher.is_about(kind, name)).map(|m| m.id);
                let found = index.of(kind, name).iter().map(|place| matchers[*place].id);
                assert!(concerned.eq(found), "{kind:?} {name}");
            }
        }
    }
}
