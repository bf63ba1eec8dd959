//! Records that hang on another one: `GET /{module}/{id}/{related_list}`.

use serde_json::json;

use super::kind::Kind;
use super::list_api::paging;
use super::org::Org;
use super::page_tokens::Place;
use super::records::Sight;
use super::refusal::Refusal;
use super::render::{json_text, listed};
use crate::desk::Core;
use crate::exchange::{Call, Reply};

/// A related list: its name, whose records it holds, and the field by which those point back.
pub struct RelatedList {
    pub name: &'static str,
    pub kind: Kind,
    pub field: &'static str,
}

const fn list(name: &'static str, kind: Kind, field: &'static str) -> RelatedList {
    RelatedList { name, kind, field }
}

/// The lists of a module, as the settings name them.
pub fn related_lists(kind: Kind) -> &'static [RelatedList] {
    const CONTACTS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Deals", Kind::Deals, "Contact_Name"),
        list("Tasks", Kind::Tasks, "Who_Id"),
        list("Events", Kind::Events, "Who_Id"),
        list("Calls", Kind::Calls, "Who_Id"),
    ];
    const ACCOUNTS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Contacts", Kind::Contacts, "Account_Name"),
        list("Deals", Kind::Deals, "Account_Name"),
        list("Child_Accounts", Kind::Accounts, "Parent_Account"),
        list("Tasks", Kind::Tasks, "What_Id"),
        list("Events", Kind::Events, "What_Id"),
        list("Calls", Kind::Calls, "What_Id"),
    ];
    const DEALS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Tasks", Kind::Tasks, "What_Id"),
        list("Events", Kind::Events, "What_Id"),
        list("Calls", Kind::Calls, "What_Id"),
    ];
    const LEADS: &[RelatedList] = &[
        list("Notes", Kind::Notes, "Parent_Id"),
        list("Tasks", Kind::Tasks, "Who_Id"),
        list("Events", Kind::Events, "Who_Id"),
        list("Calls", Kind::Calls, "Who_Id"),
    ];
    const NOTES: &[RelatedList] = &[list("Notes", Kind::Notes, "Parent_Id")];
    match kind {
        Kind::Contacts => CONTACTS,
        Kind::Accounts => ACCOUNTS,
        Kind::Deals => DEALS,
        Kind::Leads => LEADS,
        Kind::Tasks | Kind::Events | Kind::Calls => NOTES,
        Kind::Notes => &[],
    }
}

impl Org {
    pub fn related_records(
        &mut self,
        core: &Core,
        call: &Call,
        (kind, text): (Kind, &str),
        name: &str,
    ) -> Result<Reply, Refusal> {
        let sight = Sight::At(core.now);
        let id = self.named_record(call, kind, text)?.filter(|id| self.live(kind, *id, sight).is_some());
        let Some(id) = id else {
            return Err(Refusal::invalid("the id given seems to be invalid").with("resource_path_index", 1));
        };
        let Some(list) = related_lists(kind).iter().find(|list| list.name == name) else {
            let message = "the relation name given seems to be invalid";
            return Err(Refusal::invalid(message).with("resource_path_index", 2));
        };
        let fields = self.fields_of(call, list.kind)?;
        let bound = format!("{id}|{name}|{}", call.parameter("fields").unwrap_or_default());
        let (per_page, given) = match call.parameter("page_token").filter(|token| !token.is_empty()) {
            None => {
                let (per_page, page) = paging(call)?;
                (per_page, (page - 1) * per_page)
            }
            Some(token) => {
                let place = self.page_tokens.get(&token).filter(|place| place.bound == bound);
                (paging(call)?.0, place.ok_or_else(Refusal::token_mismatch)?.given)
            }
        };
        let ids = self.related_ids(kind, id, list, sight);
        let skip = usize::try_from(given).unwrap_or(usize::MAX);
        let take = usize::try_from(per_page).unwrap_or(usize::MAX);
        let page: Vec<u64> = ids.iter().skip(skip).take(take).copied().collect();
        let more = ids.len() > skip.saturating_add(take);
        if page.is_empty() {
            return Ok(Reply::empty(204));
        }
        let next = match (more, page.last()) {
            (true, Some(last)) => {
                let token = format!("r{:016x}{:016x}", core.request.unwrap_or(0), last);
                let ends = core.now.saturating_add(self.knobs.page_token_ttl_s.saturating_mul(1_000));
                let given = given + page.len() as u64;
                let place = Place { bound, after: (0, *last), given, ends, previous: None };
                self.page_tokens.keep(token.clone(), place);
                Some(token)
            }
            _ => None,
        };
        let mut out = String::from("{\"data\":[");
        for (at, each) in page.iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            if let Some(seen) = self.live(list.kind, *each, sight) {
                listed(&mut out, self, &seen, &fields);
            }
        }
        let info = json!({
            "per_page": per_page, "count": page.len(), "page": given / per_page + 1, "more_records": more,
            "next_page_token": next,
        });
        out.push_str(&format!("],\"info\":{info}}}"));
        Ok(json_text(200, out))
    }

    /// Ids of the records in a related list.
    pub fn related_ids(&self, kind: Kind, id: u64, list: &RelatedList, sight: Sight) -> Vec<u64> {
        let Some((field, _)) = self.schema(list.kind).get(list.field) else { return Vec::new() };
        let mut found = self.candidates(list.kind, field, &id.to_string());
        if (kind, list.kind) == (Kind::Contacts, Kind::Deals) {
            // A part in a deal shows it to the contact, whoever its first contact is.
            found.extend(self.roles.deals_of(id));
        }
        found.sort_unstable();
        found.dedup();
        let has = |each: &u64| {
            let seen = self.live(list.kind, *each, sight);
            let points = seen.is_some_and(|seen| seen.get(field).as_ref_id() == Some(id));
            points || (list.kind == Kind::Deals && seen.is_some() && self.roles.has(*each, id))
        };
        found.retain(has);
        found
    }
}
