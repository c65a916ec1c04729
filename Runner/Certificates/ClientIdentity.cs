using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using Runner.Access;

namespace Runner.Certificates;

/// <summary>Who a client certificate says its holder is. Whatever is missing, doubled or doubtful is refused.</summary>
abstract record ClientIdentity
{
    private const int LongestName = 256;

    private ClientIdentity() { }

    public sealed record Known(Caller Caller) : ClientIdentity;

    /// <param name="Reason">One clause for the log; holds nothing the certificate's maker wrote.</param>
    public sealed record Refused(string Reason) : ClientIdentity;

    public static ClientIdentity Read(X509Certificate2 certificate)
    {
        List<string> names, units;
        try
        {
            names = SubjectName.Values(certificate.SubjectName, SubjectName.CommonName);
            units = SubjectName.Values(certificate.SubjectName, SubjectName.OrganizationalUnit);
        }
        catch (AsnContentException)
        {
            return new Refused("its subject cannot be read");
        }

        if (names.Count != 1) return new Refused($"its subject has {names.Count} common names (CN) and needs exactly one");
        if (!IsName(names[0])) return new Refused($"its common name (CN) must be 1 to {LongestName} printable characters without spaces around them");

        if (names[0].Equals(Caller.Server, StringComparison.OrdinalIgnoreCase)) return new Refused($"its common name (CN) is '{Caller.Server}', which stands for the server itself");

        var (role, reason) = ReadRole(certificate, units);
        return role is { } found ? new Known(new Caller(names[0], found)) : new Refused(reason);
    }

    /// <summary>Whether a text can stand for a person or machine in logs and lists without misleading.</summary>
    public static bool IsName(string text) =>
        text.Length is > 0 and <= LongestName && text.Trim().Length == text.Length && text.EnumerateRunes().All(rune =>
            rune.Value != 0xFFFD && System.Text.Rune.GetUnicodeCategory(rune)
                is not (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
                or UnicodeCategory.ParagraphSeparator or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse));

    private static (Role? Role, string Reason) ReadRole(X509Certificate2 certificate, List<string> units)
    {
        var extensions = certificate.Extensions.Where(extension => extension.Oid?.Value == RoleExtension.Oid).ToList();
        if (extensions.Count > 1) return (null, "it has more than one role extension");
        Role? extended = null;
        if (extensions.Count == 1)
        {
            if (!RoleExtension.TryRead(extensions[0].RawData, out var role))
                return (null, $"its role extension is not a UTF8String of {Roles.Valid}");
            extended = role;
        }

        var subjects = units.Where(unit => Roles.TryParse(unit, out _)).ToList();
        if (subjects.Count > 1) return (null, "its subject names more than one role (OU)");
        if (subjects.Count == 0) return extended is null ? (null, $"it carries no role; add the role extension or OU={Roles.Valid}") : (extended, "");
        _ = Roles.TryParse(subjects[0], out var subject);
        return extended is null || extended == subject
            ? (subject, "")
            : (null, "its role extension and its subject (OU) name different roles");
    }
}
