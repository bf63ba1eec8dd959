//! What is on the lines of deals, by the products' names: line items are records of their own, associated with the deal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use connector::{Error, ErrorKind, Object, RecordId};
use connector_http::Priority;

use crate::api::{Api, BATCH};
use crate::rows::Row;
use crate::wanted::Wanted;

/// Names of products by their deal, each once; a deal without any is missing.
pub(crate) type Products = BTreeMap<RecordId, Vec<Arc<str>>>;

fn line_items() -> Object {
    Object::Other("line_items".into())
}

impl Api {
    /// The products of these deals; `None` where the app may not read line items.
    pub async fn products_of(&self, deals: &[RecordId]) -> Result<Option<Products>, Error> {
        if deals.is_empty() || self.no_lines.load(Ordering::Relaxed) {
            return Ok(None);
        }
        match self.read_products(deals).await {
            Ok(products) => Ok(Some(products)),
            // Portals without the scope have deals all the same.
            Err(error) if error.kind == ErrorKind::Forbidden => {
                self.no_lines.store(true, Ordering::Relaxed);
                tracing::warn!(cause = %error, "HubSpot does not let Ferry read line items: deals come without their products");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn read_products(&self, deals: &[RecordId]) -> Result<Products, Error> {
        let object = line_items();
        let links = self.links_of(&Object::Deal, std::slice::from_ref(&object), deals).await?;
        let lines: BTreeSet<&str> = links.values().flatten().map(|link| link.id.as_str()).collect();
        let lines: Vec<&str> = lines.into_iter().collect();
        let wanted = Wanted::answer(std::iter::empty(), Some("name"));
        let mut names: BTreeMap<String, Arc<str>> = BTreeMap::new();
        for ids in lines.chunks(BATCH) {
            let page = self.batch_read(&object, &wanted, None, ids, Priority::Pull).await?;
            names.extend(page.rows.into_iter().filter_map(|row| Some((row.id.clone(), name(&row, &wanted)?))));
        }
        let products = links.into_iter().map(|(deal, lines)| {
            let named: BTreeSet<&Arc<str>> = lines.iter().filter_map(|line| names.get(line.id.as_str())).collect();
            (deal, named.into_iter().cloned().collect())
        });
        Ok(products.collect())
    }
}

fn name(row: &Row, wanted: &Wanted) -> Option<Arc<str>> {
    let name = row.inner(wanted, "name").filter(|_| !row.archived)?.trim();
    (!name.is_empty()).then(|| name.into())
}
