// Writes the vectors beside it with Bouncy Castle 1.72, and reads what is written by this crate. The keys are thrown away.
//   apt-get install -y --no-install-recommends libbcpkix-java default-jdk-headless
//   java -cp /usr/share/java/bcprov.jar:/usr/share/java/bcutil.jar:/usr/share/java/bcpkix.jar Make.java [request.der response.der]
import java.math.BigInteger;
import java.nio.file.*;
import java.security.*;
import java.security.spec.ECGenParameterSpec;
import java.util.*;
import org.bouncycastle.asn1.*;
import org.bouncycastle.asn1.cmc.*;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.cert.*;
import org.bouncycastle.cert.jcajce.*;
import org.bouncycastle.cms.*;
import org.bouncycastle.cms.jcajce.*;
import org.bouncycastle.jce.provider.BouncyCastleProvider;
import org.bouncycastle.operator.ContentSigner;
import org.bouncycastle.operator.jcajce.*;
import org.bouncycastle.pkcs.PKCS10CertificationRequest;
import org.bouncycastle.pkcs.jcajce.*;
import org.bouncycastle.util.Store;

public class Make {
    static KeyPair key() throws Exception {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("EC", "BC");
        generator.initialize(new ECGenParameterSpec("P-256"));
        return generator.generateKeyPair();
    }

    static ContentSigner signer(KeyPair key) throws Exception {
        return new JcaContentSignerBuilder("SHA256withECDSA").setProvider("BC").build(key.getPrivate());
    }

    static X509CertificateHolder certificate(String subject, KeyPair key, String issuer, KeyPair issuerKey, int serial) throws Exception {
        return new JcaX509v3CertificateBuilder(new X500Name(issuer), BigInteger.valueOf(serial), new Date(1795219200000L),
            new Date(4951065600000L), new X500Name(subject), key.getPublic()).build(signer(issuerKey));
    }

    static byte[] signed(String type, ASN1Encodable content, Object[][] signers, X509CertificateHolder... others) throws Exception {
        CMSSignedDataGenerator generator = new CMSSignedDataGenerator();
        for (Object[] one : signers) {
            X509CertificateHolder holder = (X509CertificateHolder) one[0];
            generator.addSignerInfoGenerator(new JcaSignerInfoGeneratorBuilder(
                new JcaDigestCalculatorProviderBuilder().setProvider("BC").build()).build(signer((KeyPair) one[1]), holder));
            generator.addCertificate(holder);
        }
        for (X509CertificateHolder other : others) generator.addCertificate(other);
        byte[] bytes = content.toASN1Primitive().getEncoded("DER");
        return generator.generate(new CMSProcessableByteArray(new ASN1ObjectIdentifier(type), bytes), true).getEncoded();
    }

    static TaggedAttribute control(int part, ASN1ObjectIdentifier type, ASN1Encodable value) {
        return new TaggedAttribute(new BodyPartID(part), type, new DERSet(value));
    }

    public static void main(String[] arguments) throws Exception {
        Security.addProvider(new BouncyCastleProvider());
        if (arguments.length == 2) { read(arguments); return; }
        KeyPair ca = key(), old0 = key(), old1 = key();
        X509CertificateHolder caCertificate = certificate("CN=BC CA", ca, "CN=BC CA", ca, 1);
        X509CertificateHolder certificate0 = certificate("CN=Jana", old0, "CN=BC CA", ca, 2);
        X509CertificateHolder certificate1 = certificate("CN=Jana", old1, "CN=BC CA", ca, 3);
        KeyPair[] fresh = { key(), key() };
        List<TaggedRequest> requests = new ArrayList<>();
        List<X509CertificateHolder> issued = new ArrayList<>();
        for (int i = 0; i < 2; i++) {
            PKCS10CertificationRequest request = new JcaPKCS10CertificationRequestBuilder(new X500Name("CN=Jana"), fresh[i].getPublic()).build(signer(fresh[i]));
            requests.add(new TaggedRequest(new TaggedCertificationRequest(new BodyPartID(10 + i), CertificationRequest.getInstance(request.toASN1Structure().getEncoded()))));
            issued.add(certificate("CN=Jana", fresh[i], "CN=BC CA", ca, 10 + i));
        }
        byte[] nonce = "a nonce by BC ..".getBytes("ASCII");
        TaggedAttribute transaction = control(1, CMCObjectIdentifiers.id_cmc_transactionId, new ASN1Integer(424242));
        PKIData data = new PKIData(new TaggedAttribute[] { transaction, control(2, CMCObjectIdentifiers.id_cmc_senderNonce, new DEROctetString(nonce)) },
            requests.toArray(new TaggedRequest[0]), new TaggedContentInfo[0], new OtherMsg[0]);
        Files.write(Path.of("request.ber"), signed("1.3.6.1.5.5.7.12.2", data, new Object[][] { { certificate0, old0 }, { certificate1, old1 } }));

        TaggedAttribute recipient = control(2, CMCObjectIdentifiers.id_cmc_recipientNonce, new DEROctetString(nonce));
        Object[][] byTheCa = { { caCertificate, ca } };
        CMCStatusInfoV2 success = new CMCStatusInfoV2Builder(CMCStatus.confirmRequired, new BodyPartID[] { new BodyPartID(10), new BodyPartID(11) }).build();
        CMCStatusInfoV2 pending = new CMCStatusInfoV2Builder(CMCStatus.pending, new BodyPartID(0)).setOtherInfo(
            new PendInfo("token by BC".getBytes("ASCII"), new ASN1GeneralizedTime("20261121120000Z"))).build();
        CMCStatusInfoV2 failed = new CMCStatusInfoV2Builder(CMCStatus.failed, new BodyPartID(0)).setStatusString("nelze").setOtherInfo(CMCFailInfo.badIdentity).build();
        String[] names = { "issued", "pending", "refused" };
        CMCStatusInfoV2[] statuses = { success, pending, failed };
        for (int i = 0; i < 3; i++) {
            PKIResponse response = response(transaction, recipient, control(3, CMCObjectIdentifiers.id_cmc_statusInfoV2, statuses[i]));
            Files.write(Path.of(names[i] + ".ber"), signed("1.3.6.1.5.5.7.12.3", response, byTheCa, i == 0 ? issued.toArray(new X509CertificateHolder[0]) : new X509CertificateHolder[0]));
        }
        Files.write(Path.of("ca.der"), caCertificate.getEncoded());
    }

    static PKIResponse response(TaggedAttribute... controls) {
        ASN1EncodableVector body = new ASN1EncodableVector();
        body.add(new DERSequence(controls)); body.add(new DERSequence()); body.add(new DERSequence());
        return PKIResponse.getInstance(new DERSequence(body));
    }

    static void read(String[] files) throws Exception {
        CMSSignedData request = new CMSSignedData(Files.readAllBytes(Path.of(files[0])));
        verify(request);
        PKIData data = PKIData.getInstance(request.getSignedContent().getContent());
        for (TaggedAttribute control : data.getControlSequence()) System.out.println("control " + control.getAttrType());
        for (TaggedRequest tagged : data.getReqSequence()) {
            TaggedCertificationRequest one = TaggedCertificationRequest.getInstance(tagged.getValue());
            PKCS10CertificationRequest p10 = new PKCS10CertificationRequest(tcr(one));
            System.out.println("request of " + p10.getSubject() + " verifies: " + p10.isSignatureValid(new JcaContentVerifierProviderBuilder().setProvider("BC").build(p10.getSubjectPublicKeyInfo())));
        }
        CMSSignedData response = new CMSSignedData(Files.readAllBytes(Path.of(files[1])));
        verify(response);
        PKIResponse body = PKIResponse.getInstance(response.getSignedContent().getContent());
        for (int i = 0; i < body.getControlSequence().size(); i++) {
            TaggedAttribute control = TaggedAttribute.getInstance(body.getControlSequence().getObjectAt(i));
            System.out.println("control " + control.getAttrType());
            if (control.getAttrType().equals(CMCObjectIdentifiers.id_cmc_statusInfoV2)) {
                CMCStatusInfoV2 status = CMCStatusInfoV2.getInstance(control.getAttrValues().getObjectAt(0));
                System.out.println("status " + status.getcMCStatus().toASN1Primitive() + " " + status.getBodyList().length + " part(s) " + status.hasOtherInfo());
            }
        }
    }

    static byte[] tcr(TaggedCertificationRequest one) throws Exception {
        return ASN1Sequence.getInstance(one.toASN1Primitive()).getObjectAt(1).toASN1Primitive().getEncoded();
    }

    @SuppressWarnings("unchecked")
    static void verify(CMSSignedData data) throws Exception {
        Store<X509CertificateHolder> certificates = data.getCertificates();
        for (SignerInformation signer : data.getSignerInfos()) {
            Collection<X509CertificateHolder> found = certificates.getMatches(signer.getSID());
            System.out.println("signer " + found.iterator().next().getSubject() + " verifies: " + signer.verify(new JcaSimpleSignerInfoVerifierBuilder().setProvider("BC").build(found.iterator().next())));
        }
    }
}
