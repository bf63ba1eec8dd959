//! What one query sees of the org: records as readers see them now, deleted ones only for `queryAll`, and the indexes
//! that lead to them.

use chrono::{DateTime, NaiveDate};

use crate::chance;
use crate::clock::Millis;
use crate::desk::Core;
use crate::salesforce::datum::Datum;
use crate::salesforce::ids::{FIRST, Id};
use crate::salesforce::kind::Kind;
use crate::salesforce::org::Org;
use crate::salesforce::records::{SYSTEM_MODSTAMP, Seen, Sight};
use crate::salesforce::render;
use crate::salesforce::schema::{FieldId, FieldType, Schema};

/// The topic of [`chance`] for the order of rows nobody asked an order of.
const ROW_ORDER: u64 = 0x50_71;

#[derive(Clone, Copy)]
pub struct View<'a> {
    org: &'a Org,
    now: Millis,
    /// `queryAll`: deleted rows and archived activities are seen too.
    all: bool,
    seed: u64,
    /// Differs from query to query, so that what has no order has another order each time.
    draw: u64,
}

impl<'a> View<'a> {
    pub fn new(org: &'a Org, core: &Core, all: bool) -> Self {
        Self { org, now: core.now, all, seed: core.seed, draw: core.request.unwrap_or(0) }
    }

    pub fn schema(&self, kind: Kind) -> &'a Schema {
        self.org.schema(kind)
    }

    pub fn today(&self) -> NaiveDate {
        DateTime::from_timestamp_millis(self.now).unwrap_or_default().date_naive()
    }

    pub fn row(&self, kind: Kind, number: u64) -> Option<Seen<'a>> {
        let seen = self.org.seen(kind, number, Sight::At(self.now))?;
        let hidden = !self.all && (seen.is_deleted() || is_archived(&seen));
        (!hidden).then_some(seen)
    }

    pub fn by_id(&self, id: Id) -> Option<Seen<'a>> {
        self.row(id.kind()?, id.number)
    }

    /// Rows in Id order, numbers in `from..=to`.
    pub fn by_number(&self, kind: Kind, from: u64, to: u64) -> impl Iterator<Item = Seen<'a>> + use<'a> {
        let view = *self;
        let numbers = self.org.numbers(kind, from.checked_sub(1));
        numbers.take_while(move |number| *number <= to).filter_map(move |number| view.row(kind, number))
    }

    /// All rows, beginning somewhere else each time.
    pub fn beginning_anywhere(&self, kind: Kind) -> impl Iterator<Item = Seen<'a>> + use<'a> {
        let records = self.org.people.count(kind) + self.org.table(kind).held_count() as u64;
        let start = FIRST + chance::below(self.seed, ROW_ORDER, self.draw, records.max(1));
        self.by_number(kind, start, u64::MAX).chain(self.by_number(kind, 0, start.saturating_sub(1)))
    }

    /// Rows in order of `(SystemModstamp, Id)`, both ends included.
    pub fn by_stamp(
        &self,
        kind: Kind,
        from: (Millis, u64),
        to: (Millis, u64),
    ) -> impl Iterator<Item = Seen<'a>> + use<'a> {
        let view = *self;
        let stamped = self.org.by_stamp(kind, from.0, to.0, Sight::At(self.now));
        let within = stamped.skip_while(move |each| *each < from).take_while(move |each| *each <= to);
        within.filter_map(move |(_, number)| view.row(kind, number))
    }

    /// Whether an index leads from values of this field to rows. Owners and authors have one that leads nearly
    /// everywhere, which is no help.
    pub fn is_indexed(&self, kind: Kind, field: FieldId) -> bool {
        self.schema(kind).field(field).is_some_and(|definition| {
            let to_people = definition.ty == FieldType::Reference && definition.reference_to.contains(&Kind::User);
            definition.is_indexed() && !to_people && field > SYSTEM_MODSTAMP
        })
    }

    /// Appends a compound address.
    pub fn write_address(&self, out: &mut String, row: &Seen<'_>, field: FieldId) {
        let definition = self.schema(row.kind).field(field);
        let address = definition.map(|definition| render::address(self.org, row, definition));
        out.push_str(&address.unwrap_or_default().to_string());
    }

    pub fn by_value(&self, kind: Kind, field: FieldId, value: &Datum) -> Vec<u64> {
        self.org.find(kind, field, value, Sight::At(self.now))
    }

    /// Where a row stands among rows whose order is undefined.
    pub fn whim(&self, number: u64) -> u64 {
        chance::bits(self.seed ^ self.draw.wrapping_mul(0x9e37_79b9), ROW_ORDER, number)
    }
}

fn is_archived(seen: &Seen<'_>) -> bool {
    matches!(seen.kind, Kind::Task | Kind::Event) && seen.named("IsArchived").is_true()
}
