using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Management.Automation;
using System.Reflection;
using System.Text;
using MagicBellJwt.Tests.Engine;
using Xunit;

namespace MagicBellJwt.Tests.Conventions;

public sealed class PublicSurfaceTests(ShippedAssemblies shipped) : IClassFixture<ShippedAssemblies>
{
    private const BindingFlags Declared = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    // The table of errors of the design, row for row, and what a rotation adds to it.
    private static readonly Dictionary<string, (ErrorCategory Category, bool Terminates)> s_table = new()
    {
        ["MbInvalidRequest"] = (ErrorCategory.InvalidArgument, false),
        ["MbUnauthorized"] = (ErrorCategory.AuthenticationError, true),
        ["MbForbidden"] = (ErrorCategory.PermissionDenied, false),
        ["MbTokenNotFound"] = (ErrorCategory.ObjectNotFound, false),
        ["MbUserNotFound"] = (ErrorCategory.ObjectNotFound, false),
        ["MbConflict"] = (ErrorCategory.ResourceExists, false),
        ["MbRateLimited"] = (ErrorCategory.LimitsExceeded, false),
        ["MbServiceUnavailable"] = (ErrorCategory.ResourceUnavailable, false),
        ["MbConnectionFailed"] = (ErrorCategory.ConnectionError, false),
        ["MbTimeout"] = (ErrorCategory.OperationTimeout, false),
        ["MbCreateOutcomeUnknown"] = (ErrorCategory.InvalidResult, false),
        ["MbUnexpectedResponse"] = (ErrorCategory.InvalidData, false),
        ["MbNotConnected"] = (ErrorCategory.ConnectionError, true),
        ["MbSelfLockout"] = (ErrorCategory.PermissionDenied, false),
        ["MbConfirmationRequired"] = (ErrorCategory.InvalidOperation, true),
        ["MbRotationFailed"] = (ErrorCategory.InvalidResult, false),
        ["MbHistoryFailed"] = (ErrorCategory.WriteError, true),
    };

    [Fact]
    public void What_is_one_of_several_is_a_word_in_json()
    {
        Type[] enums = [.. shipped.All.Single(assembly => assembly.GetName().Name == "MagicBellJwt").GetExportedTypes().Where(type => type.IsEnum)];
        Assert.NotEmpty(enums);
        Assert.All(enums, type => Assert.Equal(typeof(long).FullName, type.GetEnumUnderlyingType().FullName));

        using var engine = new PowerShellEngine();
        string json = engine.Run("Connect-MbProject -Sandbox; $token = New-MbProjectToken ci -ExpiresIn 1d; $token, (Get-MbProjectToken ci), (Get-MbTokenReport), ($token | Remove-MbProjectToken -Force -PassThru) | ConvertTo-Json -Depth 4").MustSucceed().Single().ToString();
        Assert.Contains("\"Kind\": \"Project\"", json, StringComparison.Ordinal);
        Assert.Contains("\"Status\": \"Active\"", json, StringComparison.Ordinal);
        Assert.Contains("\"Outcome\": \"Revoked\"", json, StringComparison.Ordinal);
        Assert.DoesNotMatch("\"(Kind|Status|Outcome|Severity|Findings)\": [0-9]", json);
    }

    [Fact]
    public void No_third_party_type_is_in_a_public_signature()
    {
        Assert.Equal(3, shipped.All.Count);
        foreach (Type type in shipped.All.SelectMany(assembly => assembly.GetExportedTypes()))
        {
            IEnumerable<Type> signature =
            [
                type.BaseType ?? typeof(object),
                .. type.GetInterfaces(),
                .. type.GetMethods(Declared).Where(IsVisible).SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType)),
                .. type.GetConstructors(Declared).Where(IsVisible).SelectMany(constructor => constructor.GetParameters().Select(parameter => parameter.ParameterType)),
                .. type.GetFields(Declared).Where(field => field.IsPublic || field.IsFamily).Select(field => field.FieldType),
                .. type.GetCustomAttributesData().Select(attribute => attribute.AttributeType),
            ];
            // TimeProvider is .NET's own; netstandard2.0 has it from a package.
            Assert.All(signature.SelectMany(Parts), part => Assert.True(
                shipped.All.Contains(part.Assembly) || part.Assembly == typeof(PSObject).Assembly || part.Assembly.GetName().Name!.StartsWith("System.", StringComparison.Ordinal) || part.FullName == typeof(TimeProvider).FullName,
                $"{type} shows {part}"));
        }

        static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

        static IEnumerable<Type> Parts(Type type) =>
            type.HasElementType ? Parts(type.GetElementType()!) : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition()) : [type];
    }

    [Fact]
    public void Only_the_cmdlets_assembly_knows_PowerShell()
    {
        foreach (Assembly assembly in shipped.All.Where(assembly => assembly != shipped.Module))
        {
            Assert.DoesNotContain(assembly.GetReferencedAssemblies(), reference => reference.Name == "System.Management.Automation");
        }
    }

    [Fact]
    public void Every_public_type_is_sealed_or_abstract() =>
        Assert.All(shipped.All.SelectMany(assembly => assembly.GetExportedTypes()), type => Assert.True(type.IsSealed || type.IsAbstract, type.FullName));

    [Fact]
    public void Every_error_is_a_row_of_the_table_and_of_the_readme()
    {
        Type error = shipped.Types.Single(type => type.Name == "MagicBellError");
        Type exception = shipped.Types.Single(type => type.Name == "MagicBellException");
        Type records = shipped.Types.Single(type => type.Name == "ErrorRecords");
        Assert.Equal(s_table.Keys.Order(), Enum.GetNames(error).Select(name => "Mb" + name).Order());

        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        foreach (object value in Enum.GetValues(error))
        {
            object failure = Activator.CreateInstance(exception, value, "It failed.", null)!;
            var record = (ErrorRecord)records.GetMethod("Create", Declared)!.Invoke(null, [failure, "target", null, ""])!;
            Assert.Equal(s_table[record.FullyQualifiedErrorId].Category, record.CategoryInfo.Category);
            Assert.Equal(s_table[record.FullyQualifiedErrorId].Terminates, records.GetMethod("Ends", Declared)!.Invoke(null, [failure]));
            Assert.Equal("target", record.TargetObject);
            Assert.NotEmpty(record.ErrorDetails.RecommendedAction);
            Assert.Contains($"`{record.FullyQualifiedErrorId}`", readme, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void No_ToString_shows_a_secret()
    {
        object[] roots = [.. shipped.Engine.Run("""
            $issued = New-MbProjectToken ci -AsPlainText
            $secure = New-MbUserToken -Email hana@example.com
            $signed = New-MbUserToken -Email hana@example.com -ApiKey pk_1 -SecretKey $key -AsPlainText
            $failed = try { Get-MbProjectToken -Id 0198c0de-0000-7000-8000-000000000001 -ErrorAction Stop } catch { $_.Exception }
            Get-MbSession; $issued; $secure; $signed; $failed; Get-MbProjectToken; Get-MbUserToken $secure.UserId; Remove-MbProjectToken $issued -Force -PassThru
            """, ("key", Secret.Of("sk_canary"))).MustSucceed().Select(item => item.BaseObject)];
        string[] secrets =
        [
            "sk_canary",
            (string)PSObject.AsPSObject(roots[1]).Properties["Token"].Value,
            Secret.Reveal(PSObject.AsPSObject(roots[2]).Properties["Token"].Value),
            (string)PSObject.AsPSObject(roots[3]).Properties["Token"].Value,
        ];

        IReadOnlyCollection<object> reached = shipped.Reach(roots);

        // Down to what sends the bearer, which is a secret too.
        object connection = reached.Single(item => item.GetType().Name == "ApiConnection");
        string bearer = (string)connection.GetType().GetField("_token", Declared)!.GetValue(connection)!;
        Assert.All(reached, item => Assert.DoesNotContain(secrets.Append(bearer), secret => item.ToString()!.Contains(secret, StringComparison.Ordinal)));

        // The types that never stay alive long enough to be reached.
        object created = Activator.CreateInstance(shipped.Types.Single(type => type.Name == "CreatedToken"))!;
        created.GetType().GetProperty("Token")!.SetValue(created, "sk_canary");
        Assert.DoesNotContain("sk_canary", created.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_disconnected_session_listed_and_issued_leads_to_no_token_of_it()
    {
        object[] roots = [.. shipped.Engine.Run("""
            Connect-MbProject -Sandbox -Name gone -PassThru
            $issued = New-MbProjectToken ci
            $issued; Get-MbProjectToken; $user = New-MbUserToken -Email hana@example.com; $user; Get-MbUserToken $user.UserId; Remove-MbProjectToken $issued -Force -PassThru
            """).MustSucceed().Select(item => item.BaseObject)];
        object connection = shipped.Reach(roots).Single(item => item.GetType().Name == "ApiConnection");
        string bearer = (string)connection.GetType().GetField("_token", Declared)!.GetValue(connection)!;
        string[] parts = [bearer, .. bearer.Split('.')[1..]];
        Assert.All(parts, part => Assert.True(LeadsTo(roots, item => TextOf(item).Contains(part, StringComparison.Ordinal))));
        Assert.True(LeadsTo(roots, item => item.GetType().Name == "JsonWebToken"));

        shipped.Engine.Run("Disconnect-MbProject gone").MustSucceed();

        Assert.All(parts, part => Assert.False(LeadsTo(roots, item => TextOf(item).Contains(part, StringComparison.Ordinal))));
        Assert.False(LeadsTo(roots, item => item.GetType().Name == "JsonWebToken"));

        static string TextOf(object item) => item switch
        {
            string text => text,
            char[] characters => new string(characters),
            byte[] bytes => Encoding.Latin1.GetString(bytes),
            _ => "",
        };
    }

    // Through every field of every object, ours or not, but for those of the runtime itself.
    private static bool LeadsTo(object[] roots, Func<object, bool> isIt)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var waiting = new Stack<object?>(roots);
        while (waiting.TryPop(out object? item))
        {
            if (item is null or Pointer or MemberInfo or Assembly or Module or System.Threading.Thread || item.GetType().IsPrimitive || !seen.Add(item))
            {
                continue;
            }

            if (isIt(item))
            {
                return true;
            }

            if (item is Array items && !item.GetType().GetElementType()!.IsPrimitive)
            {
                items.Cast<object?>().ToList().ForEach(waiting.Push);
            }

            for (Type? type = item is Array or string ? null : item.GetType(); type is not null; type = type.BaseType)
            {
                foreach (FieldInfo field in type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                {
                    if (!field.FieldType.IsPrimitive && !field.FieldType.IsByRefLike && !field.FieldType.IsPointer)
                    {
                        waiting.Push(field.GetValue(item));
                    }
                }
            }
        }

        return false;
    }

    [Fact]
    public void A_record_that_prints_its_members_has_no_secret_among_them()
    {
        IEnumerable<PropertyInfo> printed = shipped.Types
            .Where(type => type.GetMethod("PrintMembers", Declared) is not null)
            .SelectMany(type => type.GetProperties(BindingFlags.Instance | BindingFlags.Public));

        Assert.NotEmpty(printed);
        Assert.DoesNotContain(printed, property => property.Name is "Token" or "Bearer" or "SecretKey" or "Authorization" or "AdministratorToken" && property.PropertyType == typeof(string));
    }

    [Fact]
    public void No_state_is_process_wide_but_the_loaders()
    {
        IEnumerable<string> changing = shipped.Types
            .SelectMany(type => type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            .Where(field => !field.IsInitOnly && !field.IsLiteral && !field.IsDefined(typeof(ThreadStaticAttribute)) && !field.Name.StartsWith('<'))
            .Select(field => $"{field.DeclaringType!.Name}.{field.Name}");

        Assert.Equal(["DependencyResolver.s_hooks", "DependencyResolver.s_loaded"], changing.Order());
    }
}
