//! What expressions are evaluated against: one event, or the traits of one profile.

use connector::{Timestamp, Value};

use crate::expr::Json;
use crate::expr::node::Input;
use crate::expr::value::Val;
use crate::model::{Event, IdentifierKind};

/// One event and its body, for expressions of [`crate::expr::Scope::event`].
#[derive(Clone, Copy, Debug)]
pub struct EventInput<'a> {
    pub event: &'a Event,
    /// The parsed body.
    pub body: &'a Json<'a>,
}

impl<'a> EventInput<'a> {
    /// A property, else the same of `context.page`.
    fn page(&self, key: &str) -> Option<&'a Json<'a>> {
        let given = |value: &&Json<'_>| !matches!(value, Json::Null);
        self.body.at(&["properties", key]).filter(given).or_else(|| self.body.at(&["context", "page", key]))
    }

    /// The page's path: as given, else cut from its address.
    pub fn path(&self) -> Option<&'a str> {
        self.page("path").and_then(Json::as_text).or_else(|| self.url().map(path_of))
    }

    pub fn url(&self) -> Option<&'a str> {
        self.page("url").and_then(Json::as_text)
    }

    pub fn referrer(&self) -> Option<&'a str> {
        self.page("referrer").and_then(Json::as_text)
    }

    /// The query of the page's address with its `?`: as given, else cut from the address.
    pub fn search(&self) -> Option<&'a str> {
        self.page("search").and_then(Json::as_text).or_else(|| {
            let url = self.url()?.split('#').next()?;
            url.find('?').and_then(|at| url.get(at..))
        })
    }
}

impl Input for EventInput<'_> {
    fn value<'s>(&'s self, name: &str) -> Val<'s> {
        let text = |text: Option<&'s str>| text.map_or(Val::Null, Val::text);
        match name {
            "event" | "name" => text(self.event.name.as_deref()),
            "type" => Val::text(self.event.kind.as_str()),
            "source" => Val::text(&self.event.source),
            "timestamp" => Val::Instant(self.event.at),
            "path" => text(self.path()),
            "url" => text(self.url()),
            "referrer" => text(self.referrer()),
            "search" => text(self.search()),
            "title" => Val::from_json(self.page("title")),
            "category" => {
                let own = self.body.get("category").filter(|value| !matches!(value, Json::Null));
                Val::from_json(own.or_else(|| self.body.at(&["properties", "category"])))
            }
            "channel" => {
                let own = self.body.get("channel").filter(|value| !matches!(value, Json::Null));
                Val::from_json(own.or_else(|| self.body.at(&["context", "channel"])))
            }
            "user_id" => text(self.identifier(&IdentifierKind::UserId)),
            "anonymous_id" => text(self.identifier(&IdentifierKind::AnonymousId)),
            "properties" | "context" | "traits" => Val::from_json(self.body.get(name)),
            _ => Val::Null,
        }
    }

    fn as_of(&self) -> Timestamp {
        self.event.at
    }
}

impl<'a> EventInput<'a> {
    fn identifier(&self, kind: &IdentifierKind) -> Option<&'a str> {
        self.event.identifiers.iter().find(|identifier| identifier.kind == *kind).map(|found| &*found.value)
    }
}

fn path_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/");
    path.split(['?', '#']).next().unwrap_or("/")
}

/// The traits of one profile as of an instant, for expressions of [`crate::expr::Scope::profile`].
pub struct ProfileInput<'a> {
    /// A trait's value; [`Value::Null`] where there is none. `Profile::value` fits.
    pub traits: &'a dyn Fn(&str) -> &'a Value,
    /// What the events of a predicate amount to, by its place in [`crate::expr::Expr::predicates`].
    pub events: &'a dyn Fn(usize) -> Value,
    pub as_of: Timestamp,
}

impl<'a> ProfileInput<'a> {
    /// For conditions that count no events.
    pub fn of_traits(traits: &'a dyn Fn(&str) -> &'a Value, as_of: Timestamp) -> Self {
        Self { traits, events: &|_| Value::Null, as_of }
    }
}

impl Input for ProfileInput<'_> {
    fn value<'s>(&'s self, name: &str) -> Val<'s> {
        Val::from((self.traits)(name))
    }

    fn events(&self, place: usize) -> Val<'_> {
        match (self.events)(place) {
            Value::Number(number) => Val::Dec(number),
            _ => Val::Null,
        }
    }

    fn as_of(&self) -> Timestamp {
        self.as_of
    }
}
