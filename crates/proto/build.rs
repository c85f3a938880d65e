//! Compiles the protos of `proto/` with protox: no protoc is needed, and nothing generated is committed.

use std::{collections::BTreeMap, env, error::Error, fs, path::PathBuf};

use prost::Message as _;
use prost_types::{FieldDescriptorProto, FileDescriptorSet};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root.join("entrepot"), &mut files)?;
    files.sort();
    let descriptors = protox::compile(&files, [&root])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(out.join("requests.rs"), requests(&descriptors)?)?;
    tonic_prost_build::configure()
        .include_file("mod.rs")
        .emit_rerun_if_changed(false)
        // In one order always: a request is known again by the hash of its bytes.
        .btree_map(".")
        .compile_fds(descriptors)?;
    Ok(())
}

/// The traits of requests: of those that begin with a `request_id`, and of those that ask for a page of a list. Each
/// knows its RPC, which is one.
fn requests(descriptors: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let mut named = BTreeMap::new();
    let mut code = String::new();
    for file in &descriptors.file {
        for method in file.service.iter().flat_map(|service| &service.method) {
            let input = method.input_type().trim_start_matches('.');
            let message = input.strip_prefix(file.package()).map(|name| name.trim_start_matches('.'));
            let Some(message) = file.message_type.iter().find(|known| Some(known.name()) == message) else {
                continue;
            };
            let path = input.strip_prefix("entrepot.").unwrap_or(input).replace('.', "::");
            let is_first = |field: &FieldDescriptorProto| field.number() == 1 && field.name() == "request_id";
            let has = |name: &str| message.field.iter().any(|field| field.name() == name);
            let rpc = format!("const RPC: &'static str = {:?};", method.name());
            if message.field.iter().any(is_first) {
                code += &format!(
                    "impl Mutation for {path} {{\n    {rpc}\n    \
                     fn request_id(&self) -> &str {{\n        &self.request_id\n    }}\n}}\n"
                );
            } else if has("page_size") && has("page_token") {
                code += &format!(
                    "impl Paged for {path} {{\n    {rpc}\n    \
                     fn page(&self) -> (i32, &str) {{\n        (self.page_size, &self.page_token)\n    }}\n}}\n"
                );
            } else {
                continue;
            }
            if let Some(other) = named.insert(path, method.name().to_owned()) {
                return Err(format!("{input} is the message of {other} and of {}", method.name()).into());
            }
        }
    }
    Ok(code)
}

fn collect(folder: &PathBuf, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    Ok(())
}
