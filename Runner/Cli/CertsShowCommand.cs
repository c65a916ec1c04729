using System.CommandLine;
using System.Text;
using System.Text.Json;
using Runner.Certificates;
using Runner.Jobs;

namespace Runner.Cli;

/// <summary>`runner certs show`: what the certificates in a file say; the key in it is never shown.</summary>
static class CertsShowCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "A PEM file with one or more certificates." };
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var command = new Command("show", "Show whose certificate it is, its role, and how long it is good for.") { file, json };
        command.SetAction(parsed => CertsCommand.Run(parsed, ExitCode.BadCertificate, output =>
        {
            var summaries = CertificateSummary.OfFile(parsed.GetRequiredValue(file));
            output.WriteLine(parsed.GetValue(json) ? ToJson(summaries) : string.Join("\n\n", summaries.Select(ToText)));
        }));
        return command;
    }

    private static string ToText(CertificateSummary summary)
    {
        var lines = new List<(string Name, string Value)>
        {
            ("Subject", summary.Subject),
            ("Issuer", summary.Issuer),
            ("For", summary.Purposes.Count > 0 ? string.Join(", ", summary.Purposes) : "nothing here"),
        };
        if (summary.Role is { } role) lines.Add(("Role", role));
        if (summary.Refusal is { } refusal) lines.Add(("Role", $"none: {refusal}"));
        if (summary.Hosts.Count > 0) lines.Add(("Hosts", string.Join(", ", summary.Hosts)));
        lines.Add(("Valid", $"{Validity.Text(summary.NotBefore)} to {Validity.Text(summary.NotAfter)}{Remark(summary)}"));
        lines.Add(("Key", summary.Key));
        lines.Add(("Serial", summary.Serial));
        lines.Add(("SHA-256", summary.Fingerprint));
        return string.Join('\n', lines.Select(line => $"{line.Name + ":",-9}{Quoted.Line(line.Value)}"));
    }

    private static string Remark(CertificateSummary summary) =>
        DateTime.UtcNow > summary.NotAfter ? " (EXPIRED)" : DateTime.UtcNow < summary.NotBefore ? " (NOT YET)" : "";

    private static string ToJson(IReadOnlyList<CertificateSummary> summaries)
    {
        using var bytes = new MemoryStream();
        using (var writer = new Utf8JsonWriter(bytes, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartArray();
            foreach (var summary in summaries) Write(writer, summary);
            writer.WriteEndArray();
        }
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static void Write(Utf8JsonWriter writer, CertificateSummary summary)
    {
        writer.WriteStartObject();
        writer.WriteString("subject", summary.Subject);
        writer.WriteString("issuer", summary.Issuer);
        WriteList(writer, "purposes", summary.Purposes);
        WriteList(writer, "hosts", summary.Hosts);
        if (summary.Role is { } role) writer.WriteString("role", role);
        if (summary.Refusal is { } refusal) writer.WriteString("refusal", refusal);
        writer.WriteString("notBefore", summary.NotBefore);
        writer.WriteString("notAfter", summary.NotAfter);
        writer.WriteString("key", summary.Key);
        writer.WriteString("serial", summary.Serial);
        writer.WriteString("sha256", summary.Fingerprint);
        writer.WriteEndObject();
    }

    private static void WriteList(Utf8JsonWriter writer, string name, IReadOnlyList<string> values)
    {
        writer.WriteStartArray(name);
        foreach (var value in values) writer.WriteStringValue(value);
        writer.WriteEndArray();
    }
}
