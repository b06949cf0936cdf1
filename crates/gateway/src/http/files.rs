//! Files that are complete: what they are, their bytes, links to them, and those that need not be sent.

use std::sync::Arc;

use anser_service::Variant;
use anser_types::{ConversationId, Refusal, Sha256, UnixMs, UserId};
use axum::Json as JsonOut;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::asker::{Asker, caller};
use super::body::{Json, Path, Query, invalid};
use super::download;
use super::json::files::{
    Challenge, Claim, FileLinks, FileUsage, OwnedBytes, PlaceJson, StoredFileJson,
    ThumbnailSizeName,
};
use super::json::scalars::{Base64, FileBytes, FileName, Place};
use super::paths::conversation_of;
use super::refusals::refusals;
use super::{Api, Problem};

refusals! {
    Look: FileUnknown, FileIncomplete, Unsupported;
    Fetch: FileUnknown, FileIncomplete, LinkInvalid, TokenInvalid, TokenExpired, ApiKeyInvalid, RateLimited,
        FilesUnreachable, FileDamaged, Unsupported;
    Ask: FileTooLarge, Unsupported;
    Take: NotInPossession, QuotaExceeded, FilesUnreachable, Unsupported;
    Count: Unsupported;
}

/// A file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FilePath {
    /// The file's name at the server.
    file: FileName,
}

/// A file's smaller picture.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ThumbnailPath {
    /// The file's name at the server.
    file: FileName,
    size: ThumbnailSizeName,
}

/// Where it was seen.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SeenAt {
    /// The conversation where the caller saw the file. Without it the server looks for one, but not through all of them.
    at: Option<Place>,
}

/// Who fetches, and where they saw it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Fetching {
    /// The conversation where the caller saw the file. Without it the server looks for one, but not through all of them.
    at: Option<Place>,
    /// From `POST /v1/files/{file}/links`: in place of a token.
    link: Option<String>,
}

fn place(at: Option<&Place>, user: &UserId) -> Result<Option<ConversationId>, Refusal> {
    let target = at.map(|at| at.target("at")).transpose()?;
    Ok(target.map(|target| conversation_of(&target, user)))
}

/// See what a file is
#[utoipa::path(get, path = "/v1/files/{file}", tag = "files", params(FilePath, SeenAt),
    responses((status = 200, description = "The file.", body = StoredFileJson), Look))]
pub(super) async fn file(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Path(path): Path<FilePath>,
    Query(seen): Query<SeenAt>,
) -> Result<JsonOut<StoredFileJson>, Problem> {
    let at = place(seen.at.as_ref(), asker.user())?;
    let found = api.service.file(asker.caller(), path.file.id("the path")?, at).await?;
    Ok(JsonOut(found.into()))
}

/// Fetch a file
///
/// All of it or a part (`Range`), for members of a conversation in which a message holds it. What no browser runs anything
/// of is shown where it stands; everything else is saved.
#[utoipa::path(get, path = "/v1/files/{file}/content", tag = "files", params(FilePath, Fetching),
    responses((status = 200, description = "The file.", body = FileBytes, content_type = "application/octet-stream"),
        (status = 206, description = "A part of it.", body = FileBytes, content_type = "application/octet-stream"),
        Fetch))]
pub(super) async fn content(
    State(api): State<Arc<Api>>,
    Path(path): Path<FilePath>,
    Query(fetching): Query<Fetching>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    fetch(&api, (&path.file, Variant::Whole), fetching, (&uri, &headers)).await
}

/// Fetch a smaller picture
///
/// A JPEG that fits into a square of 160, 480 or 1,280 pixels, in the sizes that the file's look names.
#[utoipa::path(get, path = "/v1/files/{file}/thumbnails/{size}", tag = "files", params(ThumbnailPath, Fetching),
    responses((status = 200, description = "The picture.", body = FileBytes, content_type = "image/jpeg"), Fetch))]
pub(super) async fn thumbnail(
    State(api): State<Arc<Api>>,
    Path(path): Path<ThumbnailPath>,
    Query(fetching): Query<Fetching>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    fetch(&api, (&path.file, Variant::Thumbnail(path.size.into())), fetching, (&uri, &headers))
        .await
}

/// Answers with a file to whoever comes with a token, a key or a link and may see it.
async fn fetch(
    api: &Api,
    (file, variant): (&FileName, Variant),
    Fetching { at, link }: Fetching,
    (uri, headers): (&Uri, &HeaderMap),
) -> Result<Response, Problem> {
    let id = file.id("the path")?;
    if let Some(link) = link {
        let file = api.service.file_by_link(id, &link).await?;
        return download::answer(&api.service, (&file, None), variant, headers).await;
    }
    let caller = caller(api, uri, headers).await?;
    api.service.count_request(&caller).map_err(|(refusal, _)| refusal)?;
    let at = place(at.as_ref(), caller.user())?;
    let file = api.service.file(&caller, id, at).await?;
    download::answer(&api.service, (&file, Some(&caller)), variant, headers).await
}

/// Make links to a file
///
/// For pages, whose `<img>` sends no token: good for five minutes, for the caller's own rights at the moment of use.
#[utoipa::path(post, path = "/v1/files/{file}/links", tag = "files", params(FilePath, SeenAt),
    responses((status = 200, description = "Addresses at this server.", body = FileLinks), Look))]
pub(super) async fn links(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Path(path): Path<FilePath>,
    Query(seen): Query<SeenAt>,
) -> Result<JsonOut<FileLinks>, Problem> {
    let at = place(seen.at.as_ref(), asker.user())?;
    let id = path.file.id("the path")?;
    let (file, link) = api.service.link_to_file(asker.caller(), id, at).await?;
    Ok(JsonOut(FileLinks::new(&file, &link.signature, link.expires_at.into())))
}

/// Ask to have a file without sending it
///
/// If the server has these bytes, who shows that they have them too gets a file of them at once. Whether it has them is
/// told only to who can answer.
#[utoipa::path(post, path = "/v1/files/challenge", tag = "files", request_body = OwnedBytes,
    responses((status = 200, description = "What to show.", body = Challenge), Ask))]
pub(super) async fn challenge(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Json { value: owned, .. }: Json<OwnedBytes>,
) -> Result<JsonOut<Challenge>, Problem> {
    let (sha256, bytes) = (owned.sha256.hash("sha256")?, owned.bytes.value("bytes")?);
    let asked = api.service.challenge(asker.caller(), sha256, bytes)?;
    let places = asked.places.into_iter().map(|place| PlaceJson {
        bytes: (place.end - place.start).into(),
        offset: place.start.into(),
    });
    Ok(JsonOut(Challenge {
        nonce_base64: Base64::of(&asked.nonce),
        places: places.collect(),
        expires_at_ms: asked.expires_at.into(),
        seal: Sha256(asked.seal).into(),
    }))
}

/// Have a file without sending it
///
/// A picture that tells something beside its pixels only with `original`: without it the server takes that out, and that
/// needs the upload. What was fetched from here is clean.
#[utoipa::path(post, path = "/v1/files/claim", tag = "files", request_body = Claim,
    responses((status = 201, description = "The file.", body = StoredFileJson), Take))]
pub(super) async fn claim(
    State(api): State<Arc<Api>>,
    asker: Asker,
    Json { value: claim, .. }: Json<Claim>,
) -> Result<(StatusCode, JsonOut<StoredFileJson>), Problem> {
    let nonce = claim.nonce_base64.bytes("nonce_base64")?;
    let nonce = nonce.as_ref().try_into();
    let claim = anser_service::Claim {
        sha256: claim.sha256.hash("sha256")?,
        bytes: claim.bytes.value("bytes")?,
        nonce: nonce.map_err(|_| invalid("nonce_base64: 16 bytes"))?,
        expires_at: UnixMs(claim.expires_at_ms.value("expires_at_ms")?),
        seal: claim.seal.hash("seal")?.0,
        proof: claim.proof.hash("proof")?.0,
        name: claim.name,
        original: claim.original,
    };
    let file = api.service.claim_file(asker.caller(), claim).await?;
    Ok((StatusCode::CREATED, JsonOut(file.into())))
}

/// See how much room one's files take
#[utoipa::path(get, path = "/v1/files/usage", tag = "files",
    responses((status = 200, description = "So much.", body = FileUsage), Count))]
pub(super) async fn usage(
    State(api): State<Arc<Api>>,
    asker: Asker,
) -> Result<JsonOut<FileUsage>, Problem> {
    let (usage, most) = api.service.file_usage(asker.caller()).await?;
    Ok(JsonOut(FileUsage {
        files: usage.files.into(),
        bytes: usage.bytes.into(),
        bytes_most: most.into(),
        file_bytes_most: api.service.file_max_bytes()?.into(),
    }))
}
