//! What axe-core finds wrong with the page that a browser shows, and what sticks out of the screen.

use serde::Deserialize;

use super::browser::Browser;

/// See `tests/vendor/README.md`.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");

/// Runs axe-core and tells what is wrong, each with the elements that it is about.
const EXAMINE: &str = "
    const width = document.documentElement.clientWidth;
    const out = document.documentElement.scrollWidth - width;
    const scrolls = (element) => element && (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
    const culprits = out <= 0 ? [] : [...document.querySelectorAll('body *')]
        .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > width + 0.5 && !scrolls(element.parentElement))
        .slice(0, 3).map((element) => element.outerHTML.slice(0, 160));
    return axe.run(document, { runOnly: RULES, resultTypes: ['violations'] }).then(({ violations }) => ({
        violations: violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 5).map((node) => node.html).join(' … ')}`),
        sticking_out: out <= 0 ? [] : [`${out} pixels stick out: ${culprits.join(' … ')}`],
        links: [...document.querySelectorAll('a[href]')].filter((link) => link.origin === location.origin).map((link) => link.pathname),
    }));";

/// Whatever can be told by a program.
const ALL: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";
/// What depends on the colours.
const COLOURS: &str = "{ type: 'rule', values: ['color-contrast', 'link-in-text-block'] }";

/// What was found.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) violations: Vec<String>,
    /// By how many pixels the page is wider than the screen, and what is.
    pub(crate) sticking_out: Vec<String>,
    /// The paths that links lead to.
    pub(crate) links: Vec<String>,
}

/// Looks at the page that the browser shows.
pub(crate) async fn look(browser: &Browser) -> Found {
    examine(browser, ALL).await
}

/// Looks only at what another theme changes.
pub(crate) async fn look_at_colours(browser: &Browser) -> Found {
    examine(browser, COLOURS).await
}

async fn examine(browser: &Browser, rules: &str) -> Found {
    serde_json::from_value(browser.run(&format!("{AXE}\n{}", EXAMINE.replace("RULES", rules))).await).unwrap()
}

/// Tells by how many pixels the page is wider than the screen, and what is; quick, also for long pages.
pub(crate) async fn measure(browser: &Browser) -> Vec<String> {
    let script = EXAMINE.split("return axe").next().unwrap();
    let script = format!("{script} return out <= 0 ? [] : [`${{out}} pixels stick out: ${{culprits.join(' … ')}}`];");
    serde_json::from_value(browser.run(&script).await).unwrap()
}
