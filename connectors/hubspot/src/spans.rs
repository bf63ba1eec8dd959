//! A full load walks the id order, page by page. This decides, purely, where each walk stands after a page.

use crate::cursor::Span;
use crate::rows::Rows;

/// Where a span goes on after `page`, and how many of the page's rows belong to it; `None` where it is done.
///
/// Listings come by ascending id (`hubspot.md` §2.2). A page that does not move on would repeat for ever: an error.
pub(crate) fn advance(span: &Span, page: &Rows) -> Result<Option<Span>, String> {
    let highest = page.rows.iter().filter_map(|row| row.id.parse::<u64>().ok()).max();
    if page.after.is_some() && page.after == span.after {
        return Err("HubSpot named the same page as the next one again".into());
    }
    let Some(after) = page.after.clone() else { return Ok(None) };
    match (highest, span.last) {
        (Some(highest), Some(last)) if highest <= last => {
            return Err("HubSpot's pages go round in circles: a page brought no later id than the one before".into());
        }
        _ => {}
    }
    let last = highest.max(span.last);
    if span.until.zip(last).is_some_and(|(until, last)| last >= until) {
        return Ok(None);
    }
    Ok(Some(Span { after: Some(after), until: span.until, last }))
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
        let start = Span::default();
        let next = advance(&start, &page(&[1, 2], Some("3"))).unwrap().unwrap();
        assert_eq!(next, Span { after: Some("3".into()), until: None, last: Some(2) });
        assert_eq!(advance(&next, &page(&[3], None)), Ok(None));
        let bounded = Span { until: Some(5), ..next };
        assert_eq!(advance(&bounded, &page(&[3, 4, 5, 6], Some("7"))), Ok(None));
        assert!(advance(&bounded, &page(&[3, 4], Some("5"))).unwrap().is_some());
    }

    #[test]
    fn a_walk_in_circles_is_an_error() {
        let at = Span { after: Some("3".into()), until: None, last: Some(2) };
        assert!(advance(&at, &page(&[3], Some("3"))).is_err());
        assert!(advance(&at, &page(&[1, 2], Some("x"))).is_err());
    }
}
