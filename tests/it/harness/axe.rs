//! What axe-core finds wrong with the page that a browser shows, and what sticks out of the screen.

use serde::Deserialize;

use super::browser::Browser;

/// See `tests/vendor/README.md`.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");

/// Tells what sticks out of the screen, with its culprits.
const STICKING_OUT: &str = "
    const stickingOut = () => {
        const width = document.documentElement.clientWidth;
        const out = document.documentElement.scrollWidth - width;
        if (out <= 0) return [];
        const scrolls = (element) => element && (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
        const culprits = [...document.querySelectorAll('body *')]
            .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > width + 0.5 && !scrolls(element.parentElement))
            .slice(0, 3).map((element) => element.outerHTML.slice(0, 160));
        return [`${out} pixels stick out: ${culprits.join(' … ')}`];
    };";

/// Runs axe-core and tells what is wrong, each with the elements that it is about: first the page
/// as it comes, then whatever is folded up in it (menus, questions, further filters), one after the
/// other, since what is open covers what lies below.
const EXAMINE: &str = "
    const wrongIn = async (context) => (await axe.run(context, { runOnly: RULES, resultTypes: ['violations'] })).violations
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 5).map((node) => node.html).join(' … ')}`);
    return (async () => {
        const found = { violations: await wrongIn(document), sticking_out: stickingOut(), unfolded: [] };
        const folded = [...document.querySelectorAll('details:not([open])')];
        for (const one of folded) {
            // The same on another page, such as the menu of the account, is the same.
            const hash = [...one.outerHTML].reduce((hash, character) => (hash * 31 + character.codePointAt(0)) | 0, 0);
            const seen = [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, JSON.stringify(RULES), hash].join();
            if (sessionStorage.getItem(seen)) continue;
            sessionStorage.setItem(seen, 'seen');
            const around = folded.filter((other) => other.contains(one));
            around.forEach((other) => { other.open = true; });
            if (one.checkVisibility()) {
                found.violations.push(...await wrongIn(one));
                found.sticking_out.push(...stickingOut());
                found.unfolded.push(one.querySelector('summary').innerText.trim());
            }
            around.forEach((other) => { other.open = false; });
        }
        const links = [...document.querySelectorAll('a[href]')].filter((link) => link.origin === location.origin);
        return { ...found, links: links.map((link) => link.pathname) };
    })();";

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
    /// What was folded up and has been looked at as well, by what stands before it.
    pub(crate) unfolded: Vec<String>,
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
    let script = format!("{AXE}\n{STICKING_OUT}{}", EXAMINE.replace("RULES", rules));
    serde_json::from_value(browser.run(&script).await).unwrap()
}

/// Tells by how many pixels the page is wider than the screen, and what is; quick, also for long
/// pages.
pub(crate) async fn measure(browser: &Browser) -> Vec<String> {
    serde_json::from_value(browser.run(&format!("{STICKING_OUT} return stickingOut();")).await)
        .unwrap()
}
