//! Flows end to end, and the rules of the house; one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bulk;
mod bulk_writes;
mod catching_up;
mod command_line;
mod converted;
mod coverage;
mod crashes;
mod crm_pair;
mod crm_refusals;
mod daemon;
mod declaring;
mod demo;
mod echoes;
mod files;
mod fits;
mod harbour;
mod inbox;
mod leads;
mod limits;
mod lives;
mod machine;
mod merged_away;
mod mock_over_http;
mod mocks;
mod outbox;
mod paging;
mod plans;
mod rules;
mod sales_data;
mod tidy;
mod tricks;
mod two_crms;
mod two_way;
mod whose;
mod world;
