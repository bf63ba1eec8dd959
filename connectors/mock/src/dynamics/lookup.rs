//! Finding the row an address names: by id, or by the columns of an alternate key.

use super::address::Key;
use super::datum::Datum;
use super::guid::Guid;
use super::kind::Kind;
use super::org::Org;
use super::query::Literal;
use super::refusal::Refusal;
use super::schema::ColumnId;
use crate::clock::Millis;
use crate::versions::Sight;

/// What a key stands for.
#[derive(Clone, Debug)]
pub struct Named {
    /// The row, when there is one.
    pub id: Option<Guid>,
    /// The values of an alternate key: what an upsert gives a new row.
    pub cells: Vec<(ColumnId, Datum)>,
}

impl Org {
    /// # Errors
    /// 400 for columns that are no key of the table.
    pub fn named(&self, kind: Kind, key: &Key, now: Millis, sight: Sight) -> Result<Named, Refusal> {
        let pairs = match key {
            Key::Id(id) => {
                let found = self.row(kind, *id, sight).map(|row| row.id);
                return Ok(Named { id: found, cells: Vec::new() });
            }
            Key::Pairs(pairs) => pairs,
        };
        let schema = self.schema(kind);
        let mut cells = Vec::new();
        for (name, literal) in pairs {
            let (column, definition) = schema.property(name).ok_or_else(|| not_a_key(kind))?;
            if column == super::records::ID {
                let Literal::Guid(id) = literal else { return Err(not_a_key(kind)) };
                return self.named(kind, &Key::Id(*id), now, sight);
            }
            let datum = literal.of(definition).map_err(Refusal::query)?;
            let datum = match (datum, definition.navs.first()) {
                (Datum::Guid(id), Some(nav)) => Datum::Ref(nav.target, id),
                (Datum::Number(number), _) if matches!(definition.ty.edm(), "Edm.Int32" | "Edm.Int64") => {
                    number.try_into().map_or(Datum::Null, Datum::Int)
                }
                (datum, _) => datum,
            };
            cells.push((column, datum));
        }
        let mut given: Vec<ColumnId> = cells.iter().map(|(column, _)| *column).collect();
        given.sort_unstable();
        let is_key = schema.keys.iter().any(|key| {
            let mut columns = key.columns.clone();
            columns.sort_unstable();
            columns == given && key.active_at <= now
        });
        if !is_key {
            return Err(not_a_key(kind));
        }
        Ok(Named { id: self.by_cells(kind, &cells, sight).first().copied(), cells })
    }

    /// Live rows that hold all of these values; the first column is indexed.
    pub fn by_cells(&self, kind: Kind, cells: &[(ColumnId, Datum)], sight: Sight) -> Vec<Guid> {
        let Some((first, value)) = cells.first() else { return Vec::new() };
        let mut ids = self.find(kind, *first, value, sight);
        ids.retain(|id| {
            let row = self.row(kind, *id, sight);
            row.is_some_and(|row| cells.iter().all(|(column, value)| row.get(*column).key() == value.key()))
        });
        ids
    }

    /// A key's row, or why there is none.
    ///
    /// # Errors
    /// 404 by id or by key, 400 for no key.
    pub fn existing(&self, kind: Kind, key: &Key, now: Millis, sight: Sight) -> Result<Guid, Refusal> {
        let named = self.named(kind, key, now, sight)?;
        named.id.ok_or_else(|| absent(kind, key))
    }
}

/// What is said where a key leads to no row.
pub fn absent(kind: Kind, key: &Key) -> Refusal {
    match key {
        Key::Id(id) => Refusal::no_row(kind.logical(), id),
        Key::Pairs(_) => {
            let message = format!("A record with the specified key values does not exist in {} entity", kind.logical());
            Refusal::new(404, "0x80060891", message)
        }
    }
}

fn not_a_key(kind: Kind) -> Refusal {
    Refusal::query(format!(
        "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{}'. Ensure that the names and number of \
         key properties match the declared or alternate key properties for the resource 'Microsoft.Dynamics.CRM.{}'.",
        kind.logical(),
        kind.logical()
    ))
}
