//! What is on the lines of deals, by the products' names. Only deals that say they have lines are asked about.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{Error, RecordId};

use crate::api::Api;
use crate::connect::LONGEST_PAGE;
use crate::convert::row_id;
use crate::query::Asking;
use crate::rows::Row;
use crate::schema::Described;
use crate::soql::{Field, Literal, Query, chunks};
use crate::wanted::Wanted;

const LINE: &str = "OpportunityLineItem";
const PRODUCT: &str = "Product2.Name";

/// Names of products by their deal, each once.
pub(crate) type Products = BTreeMap<RecordId, Vec<Arc<str>>>;

impl Api {
    /// The products of these deals; `None` where the organisation has no products, or the user may not see them.
    pub async fn products_of(&self, wanted: &Wanted, rows: &[Row]) -> Result<Option<Products>, Error> {
        if rows.is_empty() || wanted.find("HasOpportunityLineItem", 0).is_none() {
            return Ok(None);
        }
        let attempted = "read which products deals are about";
        let with_lines = rows.iter().filter(|row| row.flag(wanted, "HasOpportunityLineItem"));
        let deals: Vec<Literal> =
            with_lines.filter_map(|row| row_id(row, wanted)).map(|id| Literal::text(id.as_str())).collect();
        let mut products: BTreeMap<RecordId, BTreeSet<Arc<str>>> = BTreeMap::new();
        let columns = Wanted::only(&["OpportunityId", PRODUCT], &Described::of_references(&["OpportunityId", PRODUCT]));
        for chunk in chunks(deals, 200, LONGEST_PAGE) {
            let query = Query::select(columns.fields(), LINE)?.filter(Field::from("OpportunityId").one_of(chunk));
            let rows = match self.every_row(Asking::pull(attempted), &query, &columns).await? {
                Ok(rows) => rows,
                Err(refusal) if refusal.is("INVALID_TYPE") || refusal.is("INVALID_FIELD") => return Ok(None),
                Err(refusal) => return Err(refusal.into_error(attempted)),
            };
            for row in rows {
                let deal = row.text(&columns, "OpportunityId").map(|id| RecordId::from(&**id));
                let product = row.text(&columns, PRODUCT).map(|name| name.trim()).filter(|name| !name.is_empty());
                if let Some((deal, product)) = deal.zip(product) {
                    products.entry(deal).or_default().insert(product.into());
                }
            }
        }
        Ok(Some(products.into_iter().map(|(deal, names)| (deal, names.into_iter().collect())).collect()))
    }
}
