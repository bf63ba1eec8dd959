//! One CRM record as read.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{ActivityFacts, Fields, Object, RecordId, Timestamp};

/// One live record as the CRM holds it now.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: RecordId,
    /// The fields asked for. A field asked for and missing here is not defined at the CRM (see [`crate::Page::undefined`]).
    pub fields: Fields,
    /// The CRM's own change stamp; server time.
    pub modified_at: Option<Timestamp>,
    pub created_at: Option<Timestamp>,
    /// Ids of records that were merged into this one; each is an alias of `id` for ever.
    pub merged_ids: Vec<RecordId>,
    /// E-mail addresses that the CRM holds for the person besides the one in its e-mail field; each is this person's.
    pub other_emails: Vec<Arc<str>>,
    /// What this record is associated with, if this read asked for it: `None` was not read, `Some(vec![])` has none.
    pub links: Option<Vec<Link>>,
    /// Set on records of [`Object::Deal`].
    pub deal: Option<DealFacts>,
    /// Set on records of [`Object::User`].
    pub user: Option<UserFacts>,
    /// Set on records of [`Object::Activity`].
    pub activity: Option<ActivityFacts>,
    /// Where a person opens the record in a browser.
    pub url: Option<Arc<str>>,
}

impl Record {
    pub fn new(id: impl Into<RecordId>, fields: Fields) -> Self {
        Self {
            id: id.into(),
            fields,
            modified_at: None,
            created_at: None,
            merged_ids: Vec::new(),
            other_emails: Vec::new(),
            links: None,
            deal: None,
            user: None,
            activity: None,
            url: None,
        }
    }
}

/// One association from a record to another; both at the same connection.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    pub object: Object,
    pub id: RecordId,
}

/// What every CRM knows of a deal, in one form. The connector decides won and lost by the vendor's own rule (stage
/// metadata, forecast type, …), never by a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DealFacts {
    pub name: Option<Arc<str>>,
    pub status: DealStatus,
    /// The stage's label as people see it, or its id where no label is known.
    pub stage: Option<Arc<str>>,
    pub pipeline: Option<Arc<str>>,
    pub amount: Option<Decimal>,
    /// ISO 4217; the account's own currency where the deal names none; `None` where neither is known.
    pub currency: Option<Arc<str>>,
    /// When it was closed (won or lost); for open deals the expected close date is not given here.
    pub closed_at: Option<Timestamp>,
    /// The owner's id at the CRM.
    pub owner: Option<RecordId>,
    /// Names of the products on the deal's lines, each once, in the order of the alphabet; `None` where this read did not
    /// ask for them.
    pub products: Option<Vec<Arc<str>>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DealStatus {
    Open,
    Won,
    Lost,
}

impl DealStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

/// A person who works in the CRM and can own records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserFacts {
    pub email: Option<Arc<str>>,
    pub name: Option<Arc<str>>,
    pub active: bool,
}
