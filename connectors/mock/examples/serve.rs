//! Runs one mock CRM by hand: `serve hubspot|salesforce|dynamics|zoho [--listen ADDR] [--records N] [--seed N] [--seed-dir DIR] [--chaos SPEC] [--tls] [--json]`.

use anyhow::{Context, bail};
use mock_crm::{Options, dynamics, hubspot, salesforce, zoho};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut options = Options::default();
    options.listen.set_port(hubspot::DEFAULT_PORT);
    let (mut json, mut kind) = (false, "hubspot");
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().with_context(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "mock" | "hubspot" => {}
            "salesforce" => {
                kind = "salesforce";
                options.listen.set_port(salesforce::DEFAULT_PORT);
            }
            "dynamics" => {
                kind = "dynamics";
                options.listen.set_port(dynamics::DEFAULT_PORT);
            }
            "zoho" => {
                kind = "zoho";
                options.listen.set_port(zoho::DEFAULT_PORT);
            }
            "--listen" => options.listen = value()?.parse().context("--listen takes ADDRESS:PORT")?,
            "--records" => options.records = Some(value()?.parse().context("--records takes a number")?),
            "--seed" => options.seed = value()?.parse().context("--seed takes a number")?,
            "--seed-dir" => options.seed_dir = Some(value()?.into()),
            "--chaos" => options.chaos = Some(value()?),
            "--tls" => options.tls = true,
            "--json" => json = true,
            other => bail!("unknown argument {other}"),
        }
    }
    let mock = match kind {
        "salesforce" => salesforce::serve(options).await?,
        "dynamics" => dynamics::serve(options).await?,
        "zoho" => zoho::serve(options).await?,
        _ => hubspot::serve(options).await?,
    };
    if json {
        println!("{}", mock.banner().json());
    } else {
        println!("{}", mock.banner().line());
    }
    std::future::pending().await
}
