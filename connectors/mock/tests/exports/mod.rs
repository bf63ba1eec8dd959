//! CRM exports that a mock may begin with: a small one with every oddity, and the one beside the project.

use std::fs;
use std::path::PathBuf;

/// The shared export, if this machine has it.
pub fn shared() -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    let root = std::env::var_os("FERRY_SHARED_DATA").map_or_else(|| PathBuf::from(beside), PathBuf::from);
    let folder = root.join("crm-sales-opportunities");
    if folder.join("accounts.csv").is_file() {
        return Some(folder);
    }
    eprintln!("skipped: no shared export here (FERRY_SHARED_DATA)");
    None
}

/// The first of two companies and of four deals: won; open and nobody's; of an agent and a company nobody knows; lost.
pub fn small(companies: usize, deals: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, head: &str, rows: &[&str]| {
        fs::write(folder.path().join(name), format!("{head}\n{}\n", rows.join("\n"))).unwrap();
    };
    let head = "account,sector,year_established,revenue,employees,office_location,subsidiary_of";
    let rows = ["Quill & Sons,technolgy,1990,1.5,12,Norway,", "Quill Parts,retail,1999,0.5,3,Norway,Quill & Sons"];
    write("accounts.csv", head, &rows[..companies]);
    write("sales_teams.csv", "sales_agent,manager,regional_office", &["Iris Vale,Joel Strand,North"]);
    let head = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value";
    let rows = [
        "A1,Iris Vale,Pro,Quill & Sons,Won,20-10-16,01-03-17,100",
        "A2,Iris Vale,Pro,,Engaging,21-10-16,,",
        "A3,Nobody Known,Pro,Lost & Found,Prospecting,,,",
        "A4,Iris Vale,Pro,Quill Parts,Lost,21-10-16,02-03-17,0",
    ];
    write("sales_pipeline.csv", head, &rows[..deals]);
    folder
}
