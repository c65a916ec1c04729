using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Runner.Access;
using Runner.Certificates;

namespace Runner.Tests.Certificates;

public sealed class ClientIdentityTests : IDisposable
{
    private readonly CertificateAuthority _authority = CertificateAuthority.Create("test", null, DateTimeOffset.UtcNow);

    public void Dispose() => _authority.Dispose();

    [Theory, InlineData("admin"), InlineData("writer"), InlineData("user"), InlineData("reader")]
    public void A_role_is_read_from_the_extension(string role) => AssertKnown("alice", role, Read(Subject("alice"), Extension(Utf8(role))));

    [Theory, InlineData("admin"), InlineData("writer"), InlineData("user"), InlineData("reader")]
    public void A_role_is_read_from_the_subject(string role) => AssertKnown("alice", role, Read(Subject("alice", role)));

    [Fact]
    public void Extension_and_subject_may_both_say_the_same() => AssertKnown("alice", "user", Read(Subject("alice", "user"), Extension(Utf8("user"))));

    [Fact]
    public void Extension_and_subject_that_disagree_are_refused() =>
        AssertRefused("different roles", Read(Subject("alice", "admin"), Extension(Utf8("reader"))));

    [Fact]
    public void Units_that_are_no_roles_do_not_matter() =>
        AssertKnown("alice", "user", Read(Subject("alice", "Engineering", "user", "Admin", "")));

    [Theory, InlineData("user", "admin"), InlineData("user", "user")]
    public void Two_roles_in_the_subject_are_refused(string one, string other) => AssertRefused("more than one role", Read(Subject("alice", one, other)));

    [Fact]
    public void Two_role_extensions_are_refused_even_when_they_agree() =>
        AssertRefused("more than one role extension", Identity(Doubled("alice", Utf8("user"))));

    [Theory, InlineData("server"), InlineData("Server")]
    public void Nobody_is_called_what_the_server_calls_itself(string name) => AssertRefused("stands for the server itself", Read(Subject(name, "writer")));

    [Fact]
    public void No_role_at_all_is_refused() => AssertRefused("carries no role", Read(Subject("alice")));

    [Theory, InlineData(""), InlineData("Admin"), InlineData("admin "), InlineData("admin\0"), InlineData("root"), InlineData("admin,user"), InlineData("аdmin")]
    public void What_is_nearly_a_role_is_none(string role)
    {
        AssertRefused("not a UTF8String of", Read(Subject("alice"), Extension(Utf8(role))));
        // Nor does a good unit make up for a bad extension.
        AssertRefused("not a UTF8String of", Read(Subject("alice", "admin"), Extension(Utf8(role))));
    }

    [Theory]
    [InlineData("", "nothing")]
    [InlineData("61646D696E", "bare bytes")]
    [InlineData("130561646D696E", "a PrintableString")]
    [InlineData("0C0561646D696E00", "a byte after the end")]
    [InlineData("0C0661646D696E", "a length beyond the end")]
    [InlineData("0C810561646D696E", "a length that is not DER")]
    [InlineData("2C070C0561646D696E", "a constructed string")]
    [InlineData("04070C0561646D696E", "an octet string around it")]
    [InlineData("30070C0561646D696E", "a sequence around it")]
    [InlineData("0C05FF646D696E", "invalid UTF-8")]
    public void Anything_but_a_der_utf8_string_is_refused(string hex, string what) =>
        Assert.True(Read(Subject("alice"), Extension(Convert.FromHexString(hex))) is ClientIdentity.Refused, what);

    [Fact]
    public void No_bytes_but_the_four_roles_are_ever_a_role() =>
        Prop.ForAll<byte[]>(bytes => !RoleExtension.TryRead(bytes, out var role) || bytes.AsSpan().SequenceEqual(Utf8(role.Word()))).QuickCheckThrowOnFailure();

    [Fact]
    public void No_text_but_the_four_roles_is_ever_a_role() =>
        Prop.ForAll<string>(text => !RoleExtension.TryRead(Utf8(text ?? ""), out var role) || role.Word() == text).QuickCheckThrowOnFailure();

    [Fact]
    public void No_common_name_is_refused() => AssertRefused("0 common names", Read(Name(("2.5.4.10", "org")), Extension(Utf8("user"))));

    [Fact]
    public void Two_common_names_are_refused() =>
        AssertRefused("2 common names", Read(Name((SubjectName.CommonName, "alice"), (SubjectName.CommonName, "bob")), Extension(Utf8("user"))));

    [Theory, InlineData(""), InlineData(" "), InlineData(" alice"), InlineData("alice\n"), InlineData("a\0b"), InlineData("a\u001b[2Jb"), InlineData("a\u202Eb"), InlineData("a\u2028b"), InlineData("a\u200Bb")]
    public void A_name_that_could_mislead_is_refused(string name) => AssertRefused("common name", Read(Subject(name), Extension(Utf8("user"))));

    [Theory, InlineData(256, true), InlineData(257, false)]
    public void A_name_has_at_most_256_characters(int length, bool accepted) =>
        Assert.Equal(accepted, Read(Subject(new string('a', length)), Extension(Utf8("user"))) is ClientIdentity.Known);

    [Theory, InlineData("Zoë"), InlineData("O'Brien, \"x\" + CN=admin"), InlineData("ci@build"), InlineData("名前")]
    public void A_name_is_taken_as_it_is(string name) => AssertKnown(name, "user", Read(Subject(name), Extension(Utf8("user"))));

    [Fact]
    public void The_parts_of_a_multi_valued_name_count_like_any_other()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        {
            Write(writer, SubjectName.CommonName, "alice");
            Write(writer, SubjectName.OrganizationalUnit, "user");
        }
        AssertKnown("alice", "user", Read(new X500DistinguishedName(writer.Encode())));
    }

    [Fact]
    public void A_common_name_in_an_outdated_encoding_is_refused()
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        using (writer.PushSetOf())
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(SubjectName.CommonName);
            writer.WriteCharacterString(UniversalTagNumber.BMPString, "alice");
        }
        AssertRefused("cannot be read", Read(new X500DistinguishedName(writer.Encode()), Extension(Utf8("user"))));
    }

    [Fact]
    public void A_refusal_repeats_nothing_from_the_certificate()
    {
        var refused = Assert.IsType<ClientIdentity.Refused>(Read(Subject("forged\nline"), Extension(Utf8("evil"))));
        Assert.DoesNotContain("forged", refused.Reason);
        Assert.DoesNotContain("evil", refused.Reason);
    }

    private static byte[] Utf8(string text)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        // By way of an octet string, because the writer would refuse the lone surrogates that a random text has.
        writer.WriteOctetString(Encoding.UTF8.GetBytes(text));
        var der = writer.Encode();
        der[0] = (byte)UniversalTagNumber.UTF8String;
        return der;
    }

    private static X509Extension Extension(byte[] der) => new(RoleExtension.Oid, der, critical: false);

    private static X500DistinguishedName Subject(string name, params string[] units) =>
        Name([.. units.Select(unit => (SubjectName.OrganizationalUnit, unit)), (SubjectName.CommonName, name)]);

    private static X500DistinguishedName Name(params (string Attribute, string Value)[] attributes)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
            foreach (var (attribute, value) in attributes)
                using (writer.PushSetOf())
                    Write(writer, attribute, value);
        return new(writer.Encode());
    }

    private static void Write(AsnWriter writer, string attribute, string value)
    {
        using (writer.PushSequence())
        {
            writer.WriteObjectIdentifier(attribute);
            writer.WriteCharacterString(UniversalTagNumber.UTF8String, value);
        }
    }

    private ClientIdentity Read(X500DistinguishedName subject, params X509Extension[] extensions) =>
        Identity(_authority.Issue(subject, extensions, 1, DateTimeOffset.UtcNow).Certificate);

    /// <summary>The platform makes no certificate with the same extension twice, so one is spliced together.</summary>
    private string Doubled(string name, byte[] der)
    {
        using var certificate = X509Certificate2.CreateFromPem(_authority.Issue(Subject(name), [Extension(der)], 1, DateTimeOffset.UtcNow).Certificate);
        return Twice.Spliced(certificate);
    }

    private static ClientIdentity Identity(string pem)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return ClientIdentity.Read(certificate);
    }

    private static void AssertKnown(string name, string role, ClientIdentity identity) =>
        Assert.Equal((name, role), Assert.IsType<ClientIdentity.Known>(identity) is var known ? (known.Caller.Name, known.Caller.Role.Word()) : default);

    private static void AssertRefused(string reason, ClientIdentity identity) =>
        Assert.Contains(reason, Assert.IsType<ClientIdentity.Refused>(identity).Reason);
}
