//! Has cargo embed the migrations anew when one is added: the macro that reads them sees only files
//! that it knew before.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
