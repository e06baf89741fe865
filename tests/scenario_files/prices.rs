//! What things cost: what a file may say of it.

use pushpull::measure::prices::{Prices, Sides};

use crate::{SMALLEST, parse};

fn prices(text: &str) -> Option<Prices> {
    let scenario = parse(&format!("{SMALLEST}{text}"), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let again = parse(&scenario.to_toml(), &[]).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(again.prices, scenario.prices, "{}", scenario.to_toml());
    scenario.prices
}

#[test]
fn what_has_no_price_has_none() {
    assert_eq!(prices(""), None);
    let none = Sides::default();
    let only =
        |egress_per_gib| Prices { requests: none, per: 1_000_000, egress_per_gib, cpu_hour: none, currency: None };
    assert_eq!(prices("[prices]\negress_per_gib = 0.09\n"), Some(only(Some(0.09))));
    let one_side = Prices { requests: Sides { provider: None, consumer: Some(2.0) }, per: 1_000, ..only(None) };
    assert_eq!(prices("[prices]\nrequests = { consumer = 2, per = \"1k\" }\n"), Some(one_side));
    let all = Prices {
        requests: Sides { provider: Some(0.4), consumer: Some(0.2) },
        cpu_hour: Sides { provider: Some(0.04), consumer: Some(0.05) },
        currency: Some("EUR".to_owned()),
        ..only(Some(0.0))
    };
    let text = "[prices]\nrequests = { provider = 0.40, consumer = 0.20, per = \"1M\" }\negress_per_gib = 0.0\n\
                cpu_hour = { provider = 0.04, consumer = 0.05 }\ncurrency = \"EUR\"\n";
    assert_eq!(prices(text), Some(all));
}

#[test]
fn mistakes_in_prices_are_explained() {
    let texts = [
        "[prices]\n",
        "[prices]\ncurrency = \"USD\"\n",
        "[prices]\nrequests = 0.40\n",
        "[prices]\nrequests = {}\n",
        "[prices]\nrequests = { per = \"1M\" }\n",
        "[prices]\nrequests = { provider = -0.40 }\n",
        "[prices]\nrequests = { provider = \"0.40 USD\" }\n",
        "[prices]\nrequests = { provider = 0.40, per = 1000000 }\n",
        "[prices]\nrequests = { provider = 0.40, per = \"1m\" }\n",
        "[prices]\nrequests = { providor = 0.40 }\n",
        "[prices]\nrequest = { provider = 0.40 }\n",
        "[prices]\negress_per_gib = nan\n",
        "[prices]\negress_per_gib = 1e10\n",
        "[prices]\negress_per_gb = 0.09\n",
        "[prices]\ncpu_hour = { consumer = true }\n",
        "[prices]\negress_per_gib = 0.09\ncurrency = \"United States dollar\"\n",
        "[[prices]]\negress_per_gib = 0.09\n",
    ];
    let shown: Vec<String> = texts
        .iter()
        .map(|text| match parse(&format!("{SMALLEST}{text}"), &[]) {
            Ok(scenario) => panic!("{text} went through: {}", scenario.to_toml()),
            Err(problems) => problems,
        })
        .collect();
    insta::assert_snapshot!(shown.join("\n\n----------------\n\n"));
}
