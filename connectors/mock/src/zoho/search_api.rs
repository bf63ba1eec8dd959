//! `GET /{module}/search` and `GET /{module}/actions/count`: by address, number, word or criteria, in an index that lags.

use serde_json::json;

use super::criteria;
use super::datum::Datum;
use super::filter::{Filter, Op, Path};
use super::kind::Kind;
use super::list_api::{BY_NUMBER, PER_PAGE};
use super::org::Org;
use super::records::{Seen, Sight};
use super::refusal::Refusal;
use super::render::{json_text, listed, whole};
use super::schema::{FieldId, FieldType};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

/// How a search tells what it is for.
enum Wanted {
    By(Filter),
    Word(String),
}

impl Org {
    pub fn search(&self, core: &Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let wanted = self.wanted(call, kind)?.ok_or_else(|| Refusal::missing_param("criteria"))?;
        let number = |name: &str, other: u64| match call.parameter(name).filter(|text| !text.is_empty()) {
            None => Ok(other),
            Some(text) => text.parse().ok().filter(|number| *number >= 1).ok_or_else(|| Refusal::invalid_param(name)),
        };
        let (per_page, page) = (number("per_page", PER_PAGE)?, number("page", 1)?);
        if per_page > PER_PAGE {
            return Err(Refusal::limit("per_page", PER_PAGE));
        }
        if page.saturating_mul(per_page) > BY_NUMBER {
            let message = "only the first 2000 matches can be had";
            return Err(Refusal::new(400, "LIMIT_REACHED", message).with("limit", BY_NUMBER));
        }
        let names = call.list("fields");
        let fields: Vec<FieldId> =
            names.iter().filter_map(|name| self.schema(kind).visible(name).map(|(id, _)| id)).collect();
        let skip = usize::try_from((page - 1) * per_page).unwrap_or(usize::MAX);
        let take = usize::try_from(per_page).unwrap_or(usize::MAX);
        let sight = Sight::Index(core.now);
        let mut found: Vec<Seen<'_>> = self.hits(call, kind, &wanted, sight).skip(skip).take(take + 1).collect();
        let more = found.len() > take;
        found.truncate(take);
        if found.is_empty() {
            return Ok(Reply::empty(204));
        }
        let mut out = String::from("{\"data\":[");
        for (at, seen) in found.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            if names.is_empty() {
                out.push_str(&whole(self, seen));
            } else {
                listed(&mut out, self, seen, &fields);
            }
        }
        let info = json!({ "per_page": per_page, "count": found.len(), "page": page, "more_records": more });
        out.push_str(&format!("],\"info\":{info}}}"));
        Ok(json_text(200, out))
    }

    pub fn count(&self, core: &Core, call: &Call, kind: Kind) -> Result<Reply, Refusal> {
        let sight = Sight::At(core.now);
        let count = match self.wanted(call, kind)? {
            Some(wanted) => self.hits(call, kind, &wanted, sight).count(),
            None => {
                let ids = self.table(kind).all_ids(&self.people);
                let live = ids.filter_map(|id| self.live(kind, id, sight));
                live.filter(|seen| !seen.named("Converted__s").is_true()).count()
            }
        };
        Ok(Reply::json(200, &json!({ "count": count })))
    }

    fn wanted(&self, call: &Call, kind: Kind) -> Result<Option<Wanted>, Refusal> {
        let parameter = |name: &str| call.parameter(name).filter(|value| !value.is_empty());
        if let Some(text) = parameter("criteria") {
            return criteria::parse(self, kind, &text).map(|filter| Some(Wanted::By(filter)));
        }
        let by = |ty: FieldType, text: String| {
            let fields = self.schema(kind).all().filter(|(_, field)| field.ty == ty && field.is_visible());
            let tests = fields.map(|(id, _)| Filter::Test {
                path: Path::of(id),
                op: Op::Equal,
                values: vec![Datum::text(&text)],
            });
            Wanted::By(Filter::Any(tests.collect()))
        };
        if let Some(email) = parameter("email") {
            return Ok(Some(by(FieldType::Email, email)));
        }
        if let Some(phone) = parameter("phone") {
            return Ok(Some(by(FieldType::Phone, phone)));
        }
        match parameter("word") {
            Some(word) if word.chars().count() < 2 => Err(Refusal::invalid_param("word")),
            word => Ok(word.map(|word| Wanted::Word(word.to_lowercase()))),
        }
    }

    fn hits<'a>(
        &'a self,
        call: &Call,
        kind: Kind,
        wanted: &'a Wanted,
        sight: Sight,
    ) -> Box<dyn Iterator<Item = Seen<'a>> + 'a> {
        let both = call.parameter("converted").is_some_and(|value| value != "false");
        let shown = move |seen: &Seen<'_>| both || kind != Kind::Leads || !seen.named("Converted__s").is_true();
        match wanted {
            Wanted::By(filter) => match self.by_address(kind, filter) {
                Some(ids) => {
                    let live = ids.into_iter().filter_map(move |id| self.live(kind, id, sight));
                    Box::new(live.filter(move |seen| filter.matches(self, seen, sight)).filter(shown))
                }
                None => Box::new(self.matches(kind, filter, sight).filter(shown)),
            },
            Wanted::Word(word) => {
                let live = self.table(kind).all_ids(&self.people).filter_map(move |id| self.live(kind, id, sight));
                Box::new(live.filter(move |seen| self.says(seen, word)).filter(shown))
            }
        }
    }

    /// Records with an address in any of the fields asked, when only addresses are asked for.
    fn by_address(&self, kind: Kind, filter: &Filter) -> Option<Vec<u64>> {
        let Filter::Any(parts) = filter else { return None };
        let mut ids = Vec::new();
        for part in parts {
            let Filter::Test { path, op: Op::Equal, values } = part else { return None };
            let indexed = self.schema(kind).field(path.field).is_some_and(super::schema::Field::is_indexed);
            if !indexed || !path.then.is_empty() {
                return None;
            }
            ids.extend(values.iter().filter_map(Datum::key).flat_map(|key| self.candidates(kind, path.field, &key)));
        }
        ids.sort_unstable();
        ids.dedup();
        Some(ids)
    }

    /// Whether any of a record's words holds `word`, which is in small letters.
    pub fn says(&self, seen: &Seen<'_>, word: &str) -> bool {
        let texts = self.schema(seen.kind).all().filter(|(_, field)| {
            matches!(field.ty, FieldType::Text | FieldType::Email | FieldType::Phone | FieldType::Website)
        });
        let mut values = texts.map(|(id, _)| seen.get(id));
        values.any(|value| value.as_str().is_some_and(|text| text.to_lowercase().contains(word)))
    }
}
