// Bouncy Castle 1.72 as the other side of a test. The first argument says of what; it fails when it is not satisfied.
//   java -cp /usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar:/usr/share/java/bcpkix.jar Peer.java WHAT ARGUMENT...
import java.io.*;
import java.math.BigInteger;
import java.nio.file.*;
import java.security.*;
import java.security.cert.CertificateFactory;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.spec.*;
import java.util.*;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.*;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.cmc.*;
import org.bouncycastle.asn1.nist.NISTObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.PKCSObjectIdentifiers;
import org.bouncycastle.asn1.pkcs.RSAESOAEPparams;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x509.*;
import org.bouncycastle.asn1.x9.X9ObjectIdentifiers;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.est.*;
import org.bouncycastle.est.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.OutputAEADEncryptor;
import org.bouncycastle.operator.jcajce.*;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.*;

public class Peer {
    public static void main(String[] a) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        switch (a[0]) {
            case "enroll": enroll(a[1], a[2], a[3], a[4], a[5], a[6]); break;
            case "reenroll": reenroll(a[1], a[2], a[3], a[4], a[5], a[6]); break;
            case "cmc": readFirst(a[1], a[2]); writeFirst(a[2], a[3], a[4]); readRevocation(a[5]); writeRevocation(a[6], a[7], a[8]); break;
            case "envelope": for (int i = 1; i < a.length; i += 4) envelope(a[i], a[i + 1], a[i + 2], a[i + 3]); break;
            default: throw new Exception("what?");
        }
    }

    static byte[] read(String file) throws Exception { return Files.readAllBytes(Path.of(file)); }
    static void check(boolean good, String what) throws Exception { if (!good) throw new Exception("not so: " + what); }

    // EST: the CA's certificates, what has to be in a request, a password when it is asked for, and waiting.
    static JsseESTServiceBuilder service(String url, String ca) throws Exception {
        X509Certificate anchor = new JcaX509CertificateConverter().getCertificate(new X509CertificateHolder(read(ca)));
        X509TrustManager[] trust = JcaJceUtils.getCertPathTrustManager(Set.of(new TrustAnchor(anchor, null)), null);
        JsseESTServiceBuilder builder = new JsseESTServiceBuilder(url.substring("https://".length()), trust);
        return builder.withHostNameAuthorizer((name, context) -> true);
    }

    static void enroll(String url, String ca, String user, String password, String request, String out) throws Exception {
        ESTService est = service(url, ca).build();
        Collection<X509CertificateHolder> cas = est.getCACerts().getCertificateStore().getMatches(null);
        check(cas.contains(new X509CertificateHolder(read(ca))), "the CA's certificate");
        CSRAttributesResponse attributes = est.getCSRAttributes().getAttributesResponse();
        check(attributes.isAttribute(X9ObjectIdentifiers.id_ecPublicKey), "a key on a curve is asked for");
        check(attributes.hasRequirement(X9ObjectIdentifiers.ecdsa_with_SHA256), "ECDSA with SHA-256 is asked for");
        check(attributes.isAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest), "extensions are asked for");
        ESTAuth auth = new JcaHttpAuthBuilder(user, password.toCharArray()).setProvider("BC").build();
        finish(est, est.simpleEnroll(false, new PKCS10CertificationRequest(read(request)), auth), out);
    }

    static void reenroll(String url, String ca, String key, String old, String request, String out) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        PrivateKey own = KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(read(key)));
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        java.security.cert.Certificate[] chain = { factory.generateCertificate(new ByteArrayInputStream(read(old))) };
        store.setKeyEntry("own", own, new char[0], chain);
        KeyManagerFactory managers = KeyManagerFactory.getInstance("SunX509");
        managers.init(store, new char[0]);
        ESTService est = service(url, ca).withKeyManagers(managers.getKeyManagers()).build();
        finish(est, est.simpleEnroll(true, new PKCS10CertificationRequest(read(request)), null), out);
    }

    static void finish(ESTService est, EnrollmentResponse response, String out) throws Exception {
        while (!response.isCompleted()) {
            Thread.sleep(Math.max(0, response.getNotBefore() - System.currentTimeMillis()) + 10);
            response = est.simpleEnroll(response);
        }
        Files.write(Path.of(out), ESTService.storeToArray(response.getStore())[0].getEncoded());
    }

    // CMC: identification and identityProofV2, by keys that have no certificate.
    static byte[] witness(String secret, byte[] requests) throws Exception {
        byte[] key = MessageDigest.getInstance("SHA-256").digest(secret.getBytes("UTF-8"));
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(requests);
    }

    static byte[] content(String file, int signers, Map<String, PublicKey> keys) throws Exception {
        CMSSignedData message = new CMSSignedData(read(file));
        check(message.getSignerInfos().size() == signers, signers + " signers");
        for (SignerInformation signer : message.getSignerInfos()) {
            PublicKey key = keys == null ? null : keys.get(Arrays.toString(signer.getSID().getSubjectKeyIdentifier()));
            JcaSimpleSignerInfoVerifierBuilder builder = new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC");
            if (keys == null) {
                X509CertificateHolder holder = (X509CertificateHolder) message.getCertificates().getMatches(signer.getSID()).iterator().next();
                check(signer.verify(builder.build(holder)), "the signature of " + holder.getSubject());
            } else check(signer.verify(builder.build(key)), "the signature of a key without a certificate");
        }
        return (byte[]) message.getSignedContent().getContent();
    }

    static TaggedAttribute control(PKIData data, ASN1ObjectIdentifier type, int which) throws Exception {
        for (TaggedAttribute control : data.getControlSequence()) if (control.getAttrType().equals(type) && which-- == 0) return control;
        throw new Exception("no control " + type);
    }

    static byte[] identifier(PKCS10CertificationRequest request) {
        return SubjectKeyIdentifier.fromExtensions(request.getRequestedExtensions()).getKeyIdentifier();
    }

    // `secret` is the password and, after it, the user id, which starts with a lower-case letter.
    static void readFirst(String file, String secret) throws Exception {
        PKIData unread = PKIData.getInstance(new CMSSignedData(read(file)).getSignedContent().getContent());
        Map<String, PublicKey> keys = new HashMap<>();
        for (TaggedRequest tagged : unread.getReqSequence()) {
            ASN1Sequence one = ASN1Sequence.getInstance(tagged.getValue().toASN1Primitive());
            PKCS10CertificationRequest request = new PKCS10CertificationRequest(one.getObjectAt(1).toASN1Primitive().getEncoded());
            keys.put(Arrays.toString(identifier(request)), new JcaPKCS10CertificationRequest(request).setProvider("BC").getPublicKey());
        }
        byte[] content = content(file, keys.size(), keys);
        PKIData data = PKIData.getInstance(content);
        String user = ASN1UTF8String.getInstance(control(data, CMCObjectIdentifiers.id_cmc_identification, 0).getAttrValues().getObjectAt(0)).getString();
        check(secret.endsWith(user), "the user " + user);
        IdentityProofV2 proof = IdentityProofV2.getInstance(control(data, CMCObjectIdentifiers.id_cmc_identityProofV2, 0).getAttrValues().getObjectAt(0));
        check(proof.getProofAlgID().getAlgorithm().equals(NISTObjectIdentifiers.id_sha256), "SHA-256");
        check(proof.getMacAlgId().getAlgorithm().equals(PKCSObjectIdentifiers.id_hmacWithSHA256), "HMAC with SHA-256");
        byte[] requests = ASN1Sequence.getInstance(content).getObjectAt(1).toASN1Primitive().getEncoded("DER");
        check(Arrays.equals(proof.getWitness(), witness(secret, requests)), "the proof of identity");
    }

    static KeyPair key() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(new ECGenParameterSpec("P-256"));
        return generator.generateKeyPair();
    }

    static ContentSigner signer(PrivateKey key) throws Exception {
        return new JcaContentSignerBuilder("SHA256withECDSA").setProvider("BC").build(key);
    }

    static TaggedAttribute control(int part, ASN1ObjectIdentifier type, ASN1Encodable value) {
        return new TaggedAttribute(new BodyPartID(part), type, new DERSet(value));
    }

    static TaggedAttribute[] heads(TaggedAttribute... more) throws Exception {
        List<TaggedAttribute> all = new ArrayList<>();
        all.add(control(1, CMCObjectIdentifiers.id_cmc_transactionId, new ASN1Integer(424242)));
        all.add(control(2, CMCObjectIdentifiers.id_cmc_senderNonce, new DEROctetString("a nonce by BC ..".getBytes("ASCII"))));
        all.addAll(Arrays.asList(more));
        return all.toArray(new TaggedAttribute[0]);
    }

    static void writeFirst(String secret, String user, String out) throws Exception {
        KeyPair key = key();
        JcaPKCS10CertificationRequestBuilder builder = new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=Jana"), key.getPublic());
        byte[] id = new JcaX509ExtensionUtils().createSubjectKeyIdentifier(key.getPublic()).getKeyIdentifier();
        Extensions extensions = new Extensions(new Extension(Extension.subjectKeyIdentifier, false, new DEROctetString(id).getEncoded()));
        builder.addAttribute(PKCSObjectIdentifiers.pkcs_9_at_extensionRequest, extensions);
        PKCS10CertificationRequest request = builder.build(signer(key.getPrivate()));
        TaggedRequest tagged = new TaggedRequest(new TaggedCertificationRequest(new BodyPartID(10), CertificationRequest.getInstance(request.getEncoded())));
        byte[] witness = witness(secret, new DERSequence(tagged).getEncoded("DER"));
        IdentityProofV2 proof = new IdentityProofV2(new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256),
            new AlgorithmIdentifier(PKCSObjectIdentifiers.id_hmacWithSHA256, DERNull.INSTANCE), witness);
        PKIData data = new PKIData(heads(control(3, CMCObjectIdentifiers.id_cmc_identification, new DERUTF8String(user)),
            control(4, CMCObjectIdentifiers.id_cmc_identityProofV2, proof)), new TaggedRequest[] { tagged }, new TaggedContentInfo[0], new OtherMsg[0]);
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(new SignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).build(signer(key.getPrivate()), id));
        write(generator, data, out);
    }

    static void write(CMSSignedDataGenerator generator, PKIData data, String out) throws Exception {
        byte[] bytes = data.toASN1Primitive().getEncoded("DER");
        Files.write(Path.of(out), generator.generate(new CMSProcessableByteArray(new ASN1ObjectIdentifier("1.3.6.1.5.5.7.12.2"), bytes), true).getEncoded());
    }

    // CMC: revokeRequest.
    static void readRevocation(String file) throws Exception {
        PKIData data = PKIData.getInstance(content(file, 2, null));
        RevokeRequest first = RevokeRequest.getInstance(control(data, CMCObjectIdentifiers.id_cmc_revokeRequest, 0).getAttrValues().getObjectAt(0));
        check(first.getSerialNumber().intValue() == 2 && first.getReason().getValue().intValue() == 1, "serial number and reason");
        check(first.getInvalidityDate().getDate().getTime() == 1795000000000L, "since when");
        check(first.getCommentUTF8().getString().equals("ztracená karta"), "the comment");
        check(first.getPassphrase() == null, "no passphrase");
        RevokeRequest second = RevokeRequest.getInstance(control(data, CMCObjectIdentifiers.id_cmc_revokeRequest, 1).getAttrValues().getObjectAt(0));
        check(second.getSerialNumber().intValue() == 3 && second.getInvalidityDate() == null && second.getCommentUTF8() == null, "the second");
        new CMSAuthEnvelopedData(second.getPassPhrase());
    }

    static void writeRevocation(String key, String certificate, String out) throws Exception {
        X509CertificateHolder own = new X509CertificateHolder(read(certificate));
        PrivateKey signing = KeyFactory.getInstance("EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(read(key)));
        RevokeRequest revoke = new RevokeRequest(own.getIssuer(), new ASN1Integer(own.getSerialNumber()), CRLReason.lookup(CRLReason.superseded),
            new ASN1GeneralizedTime("20261121120000Z"), null, new DERUTF8String("BC"));
        PKIData data = new PKIData(heads(control(3, CMCObjectIdentifiers.id_cmc_revokeRequest, revoke)), new TaggedRequest[0], new TaggedContentInfo[0], new OtherMsg[0]);
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        generator.addSignerInfoGenerator(new JcaSignerInfoGeneratorBuilder(new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).build(signer(signing), own));
        generator.addCertificate(own);
        write(generator, data, out);
    }

    // AuthEnvelopedData, both ways.
    static void envelope(String key, String certificate, String sealed, String out) throws Exception {
        X509Certificate ca = new JcaX509CertificateConverter().getCertificate(new X509CertificateHolder(read(certificate)));
        boolean rsa = ca.getPublicKey().getAlgorithm().equals("RSA");
        PrivateKey opening = KeyFactory.getInstance(rsa ? "RSA" : "EC", "BC").generatePrivate(new PKCS8EncodedKeySpec(read(key)));
        RecipientInformation recipient = new CMSAuthEnvelopedData(read(sealed)).getRecipientInfos().iterator().next();
        // This version opens no such envelope by key agreement; it writes them.
        if (rsa) check(new String(recipient.getContent(new JceKeyTransAuthEnvelopedRecipient(opening).setProvider("BC")), "UTF-8").equals("heslo pro odvolání"), "the content");

        CMSAuthEnvelopedDataGenerator generator = new CMSAuthEnvelopedDataGenerator();
        AlgorithmIdentifier sha256 = new AlgorithmIdentifier(NISTObjectIdentifiers.id_sha256);
        if (rsa) generator.addRecipientInfoGenerator(new JceKeyTransRecipientInfoGenerator(ca, new AlgorithmIdentifier(PKCSObjectIdentifiers.id_RSAES_OAEP,
            new RSAESOAEPparams(sha256, new AlgorithmIdentifier(PKCSObjectIdentifiers.id_mgf1, sha256), RSAESOAEPparams.DEFAULT_P_SOURCE_ALGORITHM))).setProvider("BC"));
        else {
            KeyPairGenerator pairs = KeyPairGenerator.getInstance("EC", "BC");
            pairs.initialize(((java.security.interfaces.ECPublicKey) ca.getPublicKey()).getParams());
            KeyPair own = pairs.generateKeyPair();
            generator.addRecipientInfoGenerator(new JceKeyAgreeRecipientInfoGenerator(CMSAlgorithm.ECDH_SHA384KDF, own.getPrivate(), own.getPublic(),
                CMSAlgorithm.AES256_WRAP).addRecipient(ca).setProvider("BC"));
        }
        OutputAEADEncryptor encryptor = (OutputAEADEncryptor) new JceCMSContentEncryptorBuilder(CMSAlgorithm.AES256_GCM).setProvider("BC").build();
        CMSAuthEnvelopedData data = generator.generate(new CMSProcessableByteArray("heslo pro odvolání".getBytes("UTF-8")), encryptor);
        Files.write(Path.of(out), data.toASN1Structure().getEncoded("DER"));
    }
}
