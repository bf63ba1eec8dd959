//! A full load walks the id order. One walk alone waits for each answer before it can ask on, and at a usual latency
//! reaches a third of the quota; so the order is cut into spans that are walked side by side. Pure: this decides where
//! walks stand after a page, and where the order is cut.
//!
//! HubSpot calls the page token opaque; today it is the next record's id (`hubspot.md` §2.2). Cutting relies on that, so
//! every page is checked against it, and a page that does not fit ends the cutting: the load starts again in one walk.

use serde::{Deserialize, Serialize};

use crate::rows::Rows;

/// A stretch of the id order: from the page token `after` (none: the beginning) up to, not including, the id `until`
/// (none: the end).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Span {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<u64>,
    /// No page brings an id below this, and each brings a higher one: else the walk goes round in circles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
}

/// How far the id order reaches, asked once at the start of a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extent {
    /// The highest id there was.
    pub top: u64,
    /// How much of the id order one page covers, on average.
    pub step: u64,
}

impl Extent {
    /// `None` where there is too little to be worth cutting.
    pub fn new(first: u64, top: u64, records: u64, page: u64) -> Option<Self> {
        let worth_it = records >= 10 * page && top > first;
        worth_it.then(|| Self { top, step: ((top - first) / (records / page).max(1)).max(1) })
    }
}

/// A page that no walk in id order can have: why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OutOfOrder(pub &'static str);

impl Span {
    /// Where this span goes on after `page`; `None` where it is done.
    pub fn advance(&self, page: &Rows) -> Result<Option<Self>, OutOfOrder> {
        let ids = || page.rows.iter().filter_map(|row| row.id.parse::<u64>().ok());
        let (lowest, highest) = (ids().min(), ids().max());
        if lowest.zip(self.last).is_some_and(|(lowest, last)| lowest < last) {
            return Err(OutOfOrder("HubSpot's pages are not in the order of ids"));
        }
        let Some(after) = page.after.clone() else { return Ok(None) };
        if self.after.as_ref() == Some(&after) {
            return Err(OutOfOrder("HubSpot named the same page as the next one again"));
        }
        if highest.zip(self.last).is_some_and(|(highest, last)| highest <= last) {
            return Err(OutOfOrder("HubSpot's pages go round in circles: one brought no later id"));
        }
        let last = highest.max(self.last);
        if self.until.zip(last).is_some_and(|(until, last)| last >= until) {
            return Ok(None);
        }
        Ok(Some(Self { after: Some(after), until: self.until, last }))
    }

    /// Whether a row of this span's pages is for it to deliver: what lies beyond its end, the next span delivers.
    pub fn owns(&self, id: &str) -> bool {
        self.until.is_none_or(|until| id.parse::<u64>().is_ok_and(|id| id < until))
    }

    fn width(&self, top: u64) -> u64 {
        self.until.unwrap_or(top).saturating_sub(self.last.unwrap_or(0))
    }

    /// This span cut in the middle.
    fn cut(&self, top: u64) -> (Self, Self) {
        let middle = self.last.unwrap_or(0) + self.width(top) / 2;
        let first = Self { until: Some(middle), ..self.clone() };
        // One below the middle: whether a token names the next record or the last one, nothing falls between.
        let before = middle.saturating_sub(1);
        let second = Self { after: Some(before.to_string()), until: self.until, last: Some(before) };
        (first, second)
    }
}

/// Cuts the widest spans until `parallel` are left to walk, or none is worth cutting.
pub(crate) fn spread(mut left: Vec<Span>, parallel: usize, extent: Extent) -> Vec<Span> {
    while left.len() < parallel {
        let widths = left.iter().map(|span| span.width(extent.top));
        let Some((widest, width)) = widths.enumerate().max_by_key(|(_, width)| *width) else { break };
        if width < extent.step.saturating_mul(4) {
            break;
        }
        let (first, second) = left.remove(widest).cut(extent.top);
        left.push(first);
        left.push(second);
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Row;

    fn page(ids: &[u64], after: Option<&str>) -> Rows {
        let rows = ids.iter().map(|id| Row { id: id.to_string(), ..Row::default() }).collect();
        Rows { rows, after: after.map(str::to_owned), ..Rows::default() }
    }

    #[test]
    fn a_walk_ends_with_the_last_page_or_at_its_bound() {
        let next = Span::default().advance(&page(&[1, 2], Some("3"))).unwrap().unwrap();
        assert_eq!(next, Span { after: Some("3".into()), until: None, last: Some(2) });
        assert_eq!(next.advance(&page(&[3], None)), Ok(None));
        let bounded = Span { until: Some(5), ..next };
        assert_eq!(bounded.advance(&page(&[3, 4, 5, 6], Some("7"))), Ok(None));
        assert!(bounded.advance(&page(&[3, 4], Some("5"))).unwrap().is_some());
    }

    #[test]
    fn a_walk_in_circles_or_out_of_order_is_told() {
        let at = Span { after: Some("3".into()), until: None, last: Some(2) };
        assert!(at.advance(&page(&[3], Some("3"))).is_err());
        assert!(at.advance(&page(&[1, 2], Some("x"))).is_err());
        assert!(at.advance(&page(&[1, 9], None)).is_err());
    }

    /// A CRM that lists `ids`, its token naming the next record or the last one.
    fn list(ids: &[u64], after: Option<&str>, names_next: bool, size: usize) -> Rows {
        let from = after.map_or(0, |after| after.parse::<u64>().unwrap() + u64::from(!names_next));
        let rest: Vec<u64> = ids.iter().copied().filter(|id| *id >= from).collect();
        let (now, later) = rest.split_at(size.min(rest.len()));
        let token = later.first().map(|next| if names_next { *next } else { *now.last().unwrap() });
        page(now, token.map(|token| token.to_string()).as_deref())
    }

    #[test]
    fn every_record_is_walked_whatever_the_ids_and_the_token() {
        let dense: Vec<u64> = (1_000..3_000).collect();
        let skewed: Vec<u64> = (1..1_000).chain((0..1_000).map(|n| 552_148_386_511 + n * 1_000)).collect();
        let sparse: Vec<u64> = (0..1_500).map(|n| n * n + 7).collect();
        for ids in [dense, skewed, sparse] {
            for names_next in [true, false] {
                let mut seen = std::collections::BTreeSet::new();
                let mut calls = 1;
                let first = list(&ids, None, names_next, 10);
                seen.extend(first.rows.iter().map(|row| row.id.clone()));
                let mut left: Vec<Span> = Span::default().advance(&first).unwrap().into_iter().collect();
                let extent = Extent::new(ids[0], *ids.last().unwrap(), ids.len() as u64, 10).unwrap();
                while !left.is_empty() {
                    left = spread(left, 4, extent);
                    let mut next = Vec::new();
                    for span in &left {
                        let page = list(&ids, span.after.as_deref(), names_next, 10);
                        calls += 1;
                        let own = page.rows.iter().map(|row| row.id.clone()).filter(|id| span.owns(id));
                        seen.extend(own);
                        next.extend(span.advance(&page).unwrap());
                    }
                    left = next;
                }
                assert_eq!(seen.len(), ids.len());
                let needed = ids.len() / 10;
                assert!(calls <= needed + needed / 5 + 20, "{calls} calls for {needed} pages");
            }
        }
    }
}
