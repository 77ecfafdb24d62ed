//! Phone numbers in E.164, and the country that a national number is read with.
