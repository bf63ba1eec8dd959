//! `EntityDefinitions` and `$metadata`: what the tables and their columns are, and making new ones.

mod csdl;
mod definitions;
mod describe;
mod filter;
mod make;
mod routes;

pub use csdl::csdl;
pub use make::make_key;
pub use routes::route;

use super::guid::Guid;
use super::kind::Kind;
use super::schema::ColumnId;

const ENTITY: u128 = 0x7000_0000_0000_4000_8000_0000_0000_0000;
const ATTRIBUTE: u128 = 0xb100_0000_0000_4000_8000_0000_0000_0000;
const KEY: u128 = 0xb200_0000_0000_4000_8000_0000_0000_0000;

/// `MetadataId` of a table.
pub fn entity_id(kind: Kind) -> Guid {
    Guid(ENTITY + kind as u128 + 1)
}

/// `MetadataId` of a column.
pub fn attribute_id(kind: Kind, column: ColumnId) -> Guid {
    Guid(ATTRIBUTE + ((kind as u128) << 20) + u128::from(column) + 1)
}

/// `MetadataId` of a key.
pub fn key_id(kind: Kind, at: usize) -> Guid {
    Guid(KEY + ((kind as u128) << 20) + at as u128 + 1)
}
