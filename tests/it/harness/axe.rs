//! Accessibility checks with axe-core of the page that a browser shows, and a check that nothing
//! overflows the screen; see [`check`].

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::browser::Browser;
use super::waiting::between_polls;

/// How long scripts may take to follow a new size of the screen.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// See `tests/vendor/README.md`.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");

/// Script that finds horizontal overflow of the page, with up to three of the elements that cause
/// it.
const OVERFLOW: &str = "
    const overflow = () => {
        const width = document.documentElement.clientWidth;
        const out = document.documentElement.scrollWidth - width;
        if (out <= 0) return [];
        const scrolls = (element) => element && (getComputedStyle(element).overflowX !== 'visible' || scrolls(element.parentElement));
        const culprits = [...document.querySelectorAll('body *')]
            .filter((element) => element.checkVisibility() && element.getBoundingClientRect().right > width + 0.5 && !scrolls(element.parentElement))
            .slice(0, 3).map((element) => element.outerHTML.slice(0, 160));
        return [`${out} pixels stick out: ${culprits.join(' … ')}`];
    };";

/// Script that runs axe-core on the page, then opens its folded parts: at once those that push the
/// page apart, and in turn those that cover what lies below (menus; on phones the sheet with the
/// navigation). It reports violations with their elements.
const EXAMINE: &str = "
    // A part that was checked on another page, such as the sidebar or the account menu, is skipped.
    const isNew = (part) => {
        const hash = [...part.outerHTML].reduce((hash, character) => (hash * 31 + character.codePointAt(0)) | 0, 0);
        const seen = [innerWidth, matchMedia('(prefers-color-scheme: dark)').matches, JSON.stringify(RULES), hash].join();
        const isNew = !sessionStorage.getItem(seen);
        sessionStorage.setItem(seen, 'seen');
        return isNew;
    };
    const wrongIn = async (context) => (await axe.run(context, { runOnly: RULES, resultTypes: ['violations'] })).violations
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 5).map((node) => node.html).join(' … ')}`);
    return (async () => {
        // Colours are measured once what appears has appeared. An endless animation cannot end.
        for (const animation of document.getAnimations()) try { animation.finish(); } catch { }
        const around_main = [...document.querySelectorAll('body > :not(main, script), .app > :not(main)')].filter((one) => !one.querySelector('main'));
        const known = around_main.filter((one) => !isNew(one));
        const context = known.length > 0 ? { include: document, exclude: known } : document;
        const found = { violations: await wrongIn(context), overflow: overflow(), unfolded: [] };
        const folded = [...document.querySelectorAll('details:not([open])')].filter(isNew);
        const around = (one) => [...document.querySelectorAll('details:not([open])')].filter((other) => other.contains(one));
        const examine = async (parts) => {
            const opened = parts.flatMap(around);
            opened.forEach((one) => { one.open = true; });
            const visible = parts.filter((one) => one.checkVisibility());
            if (visible.length > 0) {
                found.violations.push(...await wrongIn({ include: visible }));
                found.overflow.push(...overflow());
                found.unfolded.push(...visible.map((one) => one.querySelector('summary').innerText.trim()));
            }
            opened.forEach((one) => { one.open = false; });
        };
        const floats = (element) => ['absolute', 'fixed'].includes(getComputedStyle(element).position);
        const isAlone = (one) => one.closest('[popover]') || around(one).some((outer) => [...outer.children].some(floats));
        await examine(folded.filter((one) => !isAlone(one)));
        for (const one of folded.filter(isAlone)) {
            const sheet = one.closest('[popover]');
            const opens = sheet && !sheet.checkVisibility();
            if (opens) sheet.showPopover();
            await examine([one]);
            if (opens) sheet.hidePopover();
        }
        const links = [...document.querySelectorAll('a[href]')].filter((link) => link.origin === location.origin);
        return { ...found, links: links.map((link) => link.pathname) };
    })();";

/// The tags of all rules to check.
const ALL_RULES: &str = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";
/// The rules that depend on colours.
const COLOUR_RULES: &str = "{ type: 'rule', values: ['color-contrast', 'link-in-text-block'] }";

/// The result of a check.
#[derive(Debug, Deserialize)]
pub(crate) struct Found {
    pub(crate) violations: Vec<String>,
    /// How many pixels overflow, and which elements cause it; empty if none.
    pub(crate) overflow: Vec<String>,
    /// The labels of the folded parts that were opened and checked.
    pub(crate) unfolded: Vec<String>,
    /// The paths of the links of this site.
    pub(crate) links: Vec<String>,
}

/// Checks the page that the browser shows against all rules.
pub(crate) async fn check(browser: &Browser) -> Found {
    examine(browser, ALL_RULES).await
}

/// Checks only the rules that another colour theme affects.
pub(crate) async fn check_colours(browser: &Browser) -> Found {
    examine(browser, COLOUR_RULES).await
}

async fn examine(browser: &Browser, rules: &str) -> Found {
    // Half a megabyte to parse: once for each document, however many screens show it.
    if browser.run("return !window.axe").await == true {
        browser.run(AXE).await;
    }
    let script = format!("{OVERFLOW}{}", EXAMINE.replace("RULES", rules));
    serde_json::from_value(browser.run(&script).await).unwrap()
}

/// Finds horizontal overflow; fast, also for long pages. Scripts may follow a new screen size a
/// moment later, so that only lasting overflow counts.
pub(crate) async fn check_overflow(browser: &Browser) -> Vec<String> {
    let started = Instant::now();
    loop {
        let overflow: Vec<String> =
            serde_json::from_value(browser.run(&format!("{OVERFLOW} return overflow();")).await)
                .unwrap();
        if overflow.is_empty() || started.elapsed() > SETTLED_AFTER {
            return overflow;
        }
        between_polls().await;
    }
}
