//! `schema.rs` and the indexes of a migrated database.

use std::fs;

use super::root;
use crate::harness::TestApp;

/// Each column of `schema.rs`, as `table column type`.
fn declared_columns() -> Vec<String> {
    let text = fs::read_to_string(root().join("db/schema.rs")).unwrap();
    let mut columns = Vec::new();
    for table in text.split("diesel::table! {").skip(1) {
        let lines = table
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with("//") && !line.starts_with('#'));
        let mut name = "";
        for line in lines.take_while(|line| *line != "}") {
            match line.split_once(" -> ") {
                Some((column, kind)) => {
                    columns.push(format!("{name} {column} {}", kind.trim_end_matches(',')));
                }
                None => name = line.split(' ').next().unwrap(),
            }
        }
    }
    columns
}

#[tokio::test(flavor = "multi_thread")]
async fn schema_rs_equals_the_migrated_database() {
    let app = TestApp::start().await;
    let mut found = app
        .texts(
            "SELECT table_name || ' ' || column_name || ' ' ||
                CASE WHEN is_nullable = 'YES' THEN 'Nullable<' || kind || '>' ELSE kind END AS text
             FROM (SELECT *, CASE udt_name
                WHEN 'uuid' THEN 'Uuid' WHEN 'text' THEN 'Text' WHEN 'bytea' THEN 'Bytea' WHEN 'timestamptz' THEN 'Timestamptz'
                WHEN 'int2' THEN 'Int2' WHEN 'int4' THEN 'Int4' WHEN 'int8' THEN 'Int8' WHEN 'bool' THEN 'Bool' WHEN 'jsonb' THEN 'Jsonb' WHEN 'json' THEN 'Json' WHEN 'date' THEN 'Date' WHEN 'float8' THEN 'Float8'
                WHEN '_text' THEN 'Array<Text>' ELSE udt_name END AS kind
                FROM information_schema.columns
                WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%') AS c
             ORDER BY table_name, ordinal_position",
        )
        .await;
    let mut declared = declared_columns();
    found.sort();
    declared.sort();
    let missing: Vec<_> = found.iter().filter(|column| !declared.contains(column)).collect();
    let surplus: Vec<_> = declared.iter().filter(|column| !found.contains(column)).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "src/db/schema.rs lacks {missing:#?} and has the extra {surplus:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_cascading_foreign_key_has_an_index() {
    let app = TestApp::start().await;
    // Without an index, deleting a row would scan the referencing table.
    let unindexed = app
        .texts(
            "SELECT c.conrelid::regclass || ' (' || a.attname || ')' AS text
             FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
             WHERE c.contype = 'f' AND c.confdeltype IN ('c', 'n')
               AND c.confrelid IN ('contacts'::regclass, 'messages'::regclass, 'connections'::regclass)
               AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indkey[0] = a.attnum)
             ORDER BY 1",
        )
        .await;
    assert_eq!(unindexed, Vec::<String>::new());
}
