//! `GET /{module}`: pages by number within the first two thousand, by token beyond, and what is refused about either.

use super::datum::stamp;
use super::ids;
use super::kind::Kind;
use super::org::Org;
use super::page_tokens::Place;
use super::records::{Seen, Sight};
use super::refusal::Refusal;
use super::render::{json_text, listed, string};
use super::schema::FieldId;
use super::walk::{SortBy, Walk};
use crate::chance;
use crate::clock::{Millis, parse_iso, whole_second};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

pub const MOST_FIELDS: usize = 50;
pub const PER_PAGE: u64 = 200;
/// Records that page numbers reach, and that tokens reach.
pub const BY_NUMBER: u64 = 2_000;
const BY_TOKEN: u64 = 100_000;
const MOST_IDS: usize = 100;

/// Which converted leads a list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Converted {
    No,
    Yes,
    Both,
}

/// A list as it was asked for.
struct Question {
    kind: Kind,
    fields: Vec<FieldId>,
    per_page: u64,
    page: u64,
    by: SortBy,
    descending: bool,
    ids: Option<Vec<u64>>,
    converted: Converted,
    since: Option<Millis>,
    bound: String,
}

impl Org {
    pub fn list(&mut self, core: &Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let question = self.question(call, kind)?;
        let (after, given, previous) = match call.parameter("page_token").filter(|token| !token.is_empty()) {
            None => (None, (question.page - 1) * question.per_page, None),
            Some(token) => {
                let place = self.place(core, &token, &question)?;
                (Some(place.after), place.given, Some(token))
            }
        };
        let skip = match (&previous, self.knobs.page_tokens_by_offset) {
            (Some(_), false) => 0,
            _ => given,
        };
        let by_offset = self.knobs.page_tokens_by_offset;
        let after = after.filter(|_| !by_offset);
        let sight = Sight::At(core.now);
        let walk = Walk { by: question.by, descending: question.descending, since: question.since, after };
        let wanted = |place: &(Millis, u64)| self.live(kind, place.1, sight).is_some_and(|seen| question.wants(&seen));
        let take = usize::try_from(question.per_page).unwrap_or(usize::MAX);
        let mut found = match &question.ids {
            Some(ids) => {
                let known = ids.iter().filter(|id| ids::kind_of(**id) == Some(kind)).map(|id| (0, *id));
                known.filter(wanted).skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(take + 1).collect()
            }
            None => {
                let places = self.walk(kind, walk, sight).filter(wanted);
                places.skip(usize::try_from(skip).unwrap_or(usize::MAX)).take(take + 1).collect::<Vec<_>>()
            }
        };
        let more = found.len() > take;
        found.truncate(take);
        if found.is_empty() {
            return Ok(Reply::empty(if question.since.is_some() { 304 } else { 204 }));
        }
        let mut out = String::with_capacity(found.len() * 64 * question.fields.len().max(1));
        out.push_str("{\"data\":[");
        for (at, (_, id)) in found.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            if let Some(seen) = self.live(kind, *id, sight) {
                listed(&mut out, self, &seen, &question.fields);
            }
        }
        out.push_str("],\"info\":");
        let count = found.len() as u64;
        let next = found
            .last()
            .filter(|_| more)
            .map(|last| self.next_token(core, &question, *last, given + count, previous.clone()));
        let page = given / question.per_page + 1;
        out.push_str(&self.info(core, &question, (count, page, more), next, previous));
        out.push('}');
        Ok(json_text(200, out))
    }

    fn question(&self, call: &Call, kind: Kind) -> Result<Question, Refusal> {
        let parameter = |name: &str| call.parameter(name).filter(|value| !value.is_empty());
        let fields = self.fields_of(call, kind)?;
        if parameter("page").is_some() && parameter("page_token").is_some() {
            let both = serde_json::json!([{ "param_name": "page" }, { "param_name": "page_token" }]);
            let message = "ambiguity while processing the request";
            return Err(Refusal::new(400, "AMBIGUITY_DURING_PROCESSING", message).with("ambiguity_due_to", both));
        }
        let (per_page, page) = paging(call)?;
        let by = match parameter("sort_by").as_deref() {
            None | Some("id") => SortBy::Id,
            Some("Created_Time") => SortBy::Created,
            Some("Modified_Time") => SortBy::Modified,
            Some(_) => return Err(Refusal::invalid_param("sort_by")),
        };
        let descending = match parameter("sort_order").as_deref() {
            None | Some("desc") => true,
            Some("asc") => false,
            Some(_) => return Err(Refusal::invalid_param("sort_order")),
        };
        if parameter("cvid").is_some() {
            return Err(Refusal::invalid("the id given seems to be invalid").with("param_name", "cvid"));
        }
        let converted = match parameter("converted").as_deref() {
            None | Some("false") => Converted::No,
            Some("true") => Converted::Yes,
            Some("both") => Converted::Both,
            Some(_) => return Err(Refusal::invalid_param("converted")),
        };
        let ids = parameter("ids").map(|_| call.list("ids"));
        if ids.as_ref().is_some_and(|ids| ids.len() > MOST_IDS) {
            return Err(Refusal::limit("ids", MOST_IDS as u64));
        }
        let parsed = |ids: Vec<String>| -> Result<Vec<u64>, Refusal> {
            ids.iter().map(|id| ids::parse(id).ok_or_else(|| Refusal::invalid_param("ids"))).collect()
        };
        let since = if_modified_since(call)?;
        let repeated = ["fields", "sort_by", "sort_order", "per_page", "cvid", "ids", "converted", "territory_id"];
        let mut bound = kind.name().to_owned();
        for name in repeated {
            bound.push_str(&format!("|{}", parameter(name).unwrap_or_default()));
        }
        bound.push_str(&format!("|{}", since.map_or_else(String::new, |since| since.to_string())));
        Ok(Question {
            kind,
            fields,
            per_page,
            page,
            by,
            descending,
            ids: ids.map(parsed).transpose()?,
            converted,
            since,
            bound,
        })
    }

    /// The `fields` of a list, which must be named, and not too many; those that are not there are left out.
    pub fn fields_of(&self, call: &Call, kind: Kind) -> Result<Vec<FieldId>, Refusal> {
        let names = call.list("fields");
        if names.is_empty() {
            return Err(Refusal::missing_param("fields"));
        }
        if names.len() > MOST_FIELDS {
            return Err(Refusal::limit("fields", MOST_FIELDS as u64));
        }
        if names.iter().all(|name| name == "id") {
            return Err(Refusal::invalid_param("fields"));
        }
        Ok(names.iter().filter_map(|name| self.schema(kind).visible(name).map(|(id, _)| id)).collect())
    }

    /// Where a token says the walk stands.
    fn place(&self, core: &Core, token: &str, question: &Question) -> Result<Place, Refusal> {
        let place = self
            .page_tokens
            .get(token)
            .filter(|place| place.bound == question.bound)
            .ok_or_else(Refusal::token_mismatch)?;
        if place.ends <= core.now {
            return Err(Refusal::new(400, "EXPIRED_VALUE", "Page token expired")
                .with("api_name", "page_token")
                .with("json_path", "$.query.page_token"));
        }
        if place.given >= BY_TOKEN {
            let message = "You can only get the first 100000 records";
            return Err(Refusal::new(400, "PAGINATION_LIMIT_EXCEEDED", message).with("limit", BY_TOKEN));
        }
        Ok(place.clone())
    }

    fn next_token(
        &mut self,
        core: &Core,
        question: &Question,
        after: (Millis, u64),
        given: u64,
        previous: Option<String>,
    ) -> String {
        let number = core.request.unwrap_or(0);
        let half = |topic| format!("{:016x}", chance::bits(core.seed, topic, number ^ after.1));
        let token = format!("c{}{}{}{}", half(0x9a1), half(0x9a2), half(0x9a3), half(0x9a4));
        let ends = core.now.saturating_add(self.knobs.page_token_ttl_s.saturating_mul(1_000));
        let place = Place { bound: question.bound.clone(), after, given, ends, previous };
        self.page_tokens.keep(token.clone(), place);
        token
    }

    fn info(
        &self,
        core: &Core,
        question: &Question,
        (count, page, more): (u64, u64, bool),
        next: Option<String>,
        token: Option<String>,
    ) -> String {
        let quoted = |text: Option<&str>| match text {
            None => "null".to_owned(),
            Some(text) => {
                let mut out = String::new();
                string(&mut out, text);
                out
            }
        };
        let by = match question.by {
            SortBy::Id => "id",
            SortBy::Created => "Created_Time",
            SortBy::Modified => "Modified_Time",
        };
        let order = if question.descending { "desc" } else { "asc" };
        let ends = core.now.saturating_add(self.knobs.page_token_ttl_s.saturating_mul(1_000));
        let expiry = next.as_ref().map(|_| stamp(whole_second(ends), self.knobs.offset_min));
        let previous = token.and_then(|token| self.page_tokens.get(&token)).and_then(|place| place.previous.clone());
        format!(
            "{{\"per_page\":{},\"count\":{count},\"page\":{page},\"sort_by\":\"{by}\",\"sort_order\":\"{order}\",\
             \"more_records\":{more},\"next_page_token\":{},\"previous_page_token\":{},\"page_token_expiry\":{}}}",
            question.per_page,
            quoted(next.as_deref()),
            quoted(previous.as_deref()),
            quoted(expiry.as_deref()),
        )
    }
}

impl Question {
    fn wants(&self, seen: &Seen<'_>) -> bool {
        if self.ids.is_some() && self.since.is_some_and(|since| seen.modified() <= since) {
            return false;
        }
        if self.kind != Kind::Leads || self.converted == Converted::Both {
            return true;
        }
        seen.named("Converted__s").is_true() == (self.converted == Converted::Yes)
    }
}

/// `per_page` and `page`, within what numbers reach.
pub fn paging(call: &Call) -> Result<(u64, u64), Refusal> {
    let number = |name: &str, other: u64| match call.parameter(name).filter(|text| !text.is_empty()) {
        None => Ok(other),
        Some(text) => match text.parse::<u64>() {
            Ok(number) if number >= 1 => Ok(number),
            _ => Err(Refusal::invalid("invalid data").with("param_name", name).with("expected_data_type", "integer")),
        },
    };
    let (per_page, page) = (number("per_page", PER_PAGE)?, number("page", 1)?);
    if per_page > PER_PAGE {
        return Err(Refusal::limit("per_page", PER_PAGE));
    }
    if page.saturating_mul(per_page) > BY_NUMBER {
        let message = "You can only get the first 2000 records without using page_token param";
        return Err(Refusal::new(400, "DISCRETE_PAGINATION_LIMIT_EXCEEDED", message).with("limit", BY_NUMBER));
    }
    Ok((per_page, page))
}

/// The header of that name: ISO 8601 with an offset.
pub fn if_modified_since(call: &Call) -> Result<Option<Millis>, Refusal> {
    header_instant(call, "if-modified-since")
}

pub fn header_instant(call: &Call, name: &str) -> Result<Option<Millis>, Refusal> {
    let Some(value) = call.headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or("").trim();
    let at = parse_iso(text).filter(|_| text.len() > 10);
    at.map(Some)
        .ok_or_else(|| Refusal::invalid("invalid data").with("header", name).with("expected_data_type", "datetime"))
}
