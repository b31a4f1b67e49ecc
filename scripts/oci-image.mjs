// Writes an image as one file in OCI's layout (github.com/opencontainers/image-spec, image-layout.md), which
// `ctr images import` and `skopeo copy oci-archive:` take: no program of Docker's is needed for that.
//
//   usage: node scripts/oci-image.mjs OUT.tar NAME CONFIG.json LAYER...
//
// CONFIG.json is the `config` of the image (its entry point, its user). A layer is a file .tar or .tar.zst.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createZstdDecompress } from 'node:zlib';

const [out, name, configuration, ...layers] = process.argv.slice(2);
if (layers.length === 0) {
  console.error('usage: oci-image.mjs OUT.tar NAME CONFIG.json LAYER...');
  process.exit(64);
}

// Beside the result: layers are large, and may be moved but not always linked.
const folder = await mkdtemp(join(dirname(out), '.oci-image-'));
try {
  const blobs = join(folder, 'blobs', 'sha256');
  await mkdir(blobs, { recursive: true });

  const described = [];
  for (const layer of layers) {
    const isCompressed = layer.endsWith('.zst');
    const [digest, content] = await Promise.all([
      sha256(createReadStream(layer)),
      isCompressed ? sha256(createReadStream(layer), createZstdDecompress()) : undefined,
    ]);
    await copyFile(layer, join(blobs, digest));
    described.push({
      descriptor: {
        mediaType: `application/vnd.oci.image.layer.v1.tar${isCompressed ? '+zstd' : ''}`,
        digest: `sha256:${digest}`,
        size: (await stat(layer)).size,
      },
      // Of the tar itself, as the image's configuration names a layer.
      diffId: `sha256:${content ?? digest}`,
    });
  }

  const config = await blob(blobs, 'application/vnd.oci.image.config.v1+json', {
    architecture: 'amd64',
    os: 'linux',
    config: JSON.parse(await readFile(configuration, 'utf8')),
    rootfs: { type: 'layers', diff_ids: described.map(({ diffId }) => diffId) },
  });
  const manifest = await blob(blobs, 'application/vnd.oci.image.manifest.v1+json', {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config,
    layers: described.map(({ descriptor }) => descriptor),
  });
  const annotations = {
    // The first is what containerd reads, the other what everything else does.
    'io.containerd.image.name': name,
    'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
  };
  await writeFile(
    join(folder, 'index.json'),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
  await writeFile(join(folder, 'oci-layout'), JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  execFileSync('tar', ['--create', '--file', out, '-C', folder, 'oci-layout', 'index.json', 'blobs']);
} finally {
  await rm(folder, { recursive: true });
}

/** Of what comes out of the last stream. */
async function sha256(...streams) {
  const hash = createHash('sha256');
  await pipeline(...streams, hash);
  return hash.digest('hex');
}

async function blob(blobs, mediaType, value) {
  const bytes = Buffer.from(JSON.stringify(value));
  const digest = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(blobs, digest), bytes);
  return { mediaType, digest: `sha256:${digest}`, size: bytes.length };
}
